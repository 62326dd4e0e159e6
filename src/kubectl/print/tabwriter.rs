//! Aligned columns from text with tabs: a column is a run of lines that have a cell there.
//! Models text/tabwriter, and its fork by liggitt that remembers widths between flushes.

/// How cells are padded.
#[derive(Clone, Copy)]
struct Shape {
    min: usize,
    padding: usize,
}

/// What `describe` and most verbs use: two spaces between columns.
pub fn describe(text: &str) -> String {
    write(text, Shape { min: 0, padding: 2 }, &mut Vec::new())
}

/// What tables use: three spaces between columns, none narrower than six.
pub fn table(text: &str, remembered: &mut Vec<usize>) -> String {
    write(text, Shape { min: 6, padding: 3 }, remembered)
}

/// Rows of cells as a table.
pub fn columns(rows: &[Vec<String>]) -> String {
    let text: String = rows.iter().map(|r| r.join("\t") + "\n").collect();
    table(&text, &mut Vec::new())
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

fn write(text: &str, shape: Shape, remembered: &mut Vec<usize>) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|l| l.split('\t').collect()).collect();
    let mut out = String::with_capacity(text.len() * 2);
    format(&lines, 0, lines.len(), &mut Vec::new(), shape, remembered, &mut out);
    // `split` yields one line more than there are newlines.
    out.pop();
    out
}

/// Writes lines `from..to`, whose first `widths.len()` columns are settled.
fn format(
    lines: &[Vec<&str>],
    from: usize,
    to: usize,
    widths: &mut Vec<usize>,
    shape: Shape,
    remembered: &mut Vec<usize>,
    out: &mut String,
) {
    let column = widths.len();
    let (mut this, mut pending) = (from, from);
    while this < to {
        if column + 1 >= lines[this].len() {
            this += 1;
            continue;
        }
        // Lines before this one end within the settled columns.
        flush(&lines[pending..this], widths, out);
        let end = (this..to).find(|&i| column + 1 >= lines[i].len()).unwrap_or(to);
        let widest = lines[this..end].iter().map(|l| width(l[column]) + shape.padding).max().unwrap_or(0);
        let mut w = widest.max(shape.min);
        if shape.min > 0 {
            if remembered.len() <= column {
                remembered.resize(column + 1, 0);
            }
            w = w.max(remembered[column]);
            remembered[column] = w;
        } else if widest == shape.padding {
            // A column of empty cells takes no room beyond its padding.
            w = shape.padding;
        }
        widths.push(w);
        format(lines, this, end, widths, shape, remembered, out);
        widths.pop();
        this = end;
        pending = end;
    }
    flush(&lines[pending..to], widths, out);
}

fn flush(lines: &[Vec<&str>], widths: &[usize], out: &mut String) {
    for line in lines {
        for (i, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if i + 1 < line.len()
                && let Some(w) = widths.get(i)
            {
                out.extend(std::iter::repeat_n(' ', w.saturating_sub(width(cell))));
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_apart() {
        let got = describe("Name:\tweb\nIPs:\n  IP:\t10.0.0.1\nControlled By:\tReplicaSet/x\n");
        assert_eq!(got, "Name:  web\nIPs:\n  IP:           10.0.0.1\nControlled By:  ReplicaSet/x\n");
    }

    #[test]
    fn trailing_cells_are_not_padded() {
        let rows = [vec!["A".into(), "LABEL".into()], vec!["x".into(), String::new()]];
        assert_eq!(columns(&rows), "A     LABEL\nx     \n");
    }

    #[test]
    fn widths_are_remembered() {
        let mut seen = Vec::new();
        assert_eq!(
            table("NAME\tSTATUS\tX\nweb\tContainerCreating\ty\n", &mut seen),
            "NAME   STATUS              X\nweb    ContainerCreating   y\n"
        );
        assert_eq!(table("web\tRunning\ty\n", &mut seen), "web    Running             y\n");
    }
}
