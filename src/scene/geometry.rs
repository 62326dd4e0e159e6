//! Points, rectangles and the paths that messages glide along. Integers: CSS pixels of the stage.

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

pub fn pt(x: i32, y: i32) -> Point {
    Point { x, y }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

impl Rect {
    pub fn new(x: i32, y: i32, w: i32, h: i32) -> Rect {
        Rect { x, y, w, h }
    }
    pub fn center(self) -> Point {
        pt(self.x + self.w / 2, self.y + self.h / 2)
    }
    pub fn top(self) -> Point {
        pt(self.x + self.w / 2, self.y)
    }
    pub fn bottom(self) -> Point {
        pt(self.x + self.w / 2, self.y + self.h)
    }
    pub fn left(self) -> Point {
        pt(self.x, self.y + self.h / 2)
    }
    pub fn right(self) -> Point {
        pt(self.x + self.w, self.y + self.h / 2)
    }
    pub fn contains(self, other: Rect) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.x + other.w <= self.x + self.w
            && other.y + other.h <= self.y + self.h
    }
    pub fn overlaps(self, other: Rect) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

/// A run of straight segments, horizontal or vertical as drawn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Path(pub Vec<Point>);

/// Radius of a rail's corners.
const CORNER: i32 = 8;

impl Path {
    pub fn reversed(mut self) -> Path {
        self.0.reverse();
        self
    }
    /// This path followed by another.
    pub fn then(mut self, mut rest: Path) -> Path {
        if self.0.last() == rest.0.first() {
            self.0.pop();
        }
        self.0.append(&mut rest.0);
        self
    }
    fn length(&self) -> i64 {
        self.0.windows(2).map(|w| span(w[0], w[1])).sum()
    }

    /// The point at `permille` of the way.
    pub fn at(&self, permille: i32) -> Point {
        let mut left = self.length() * i64::from(permille.clamp(0, 1000)) / 1000;
        for w in self.0.windows(2) {
            let len = span(w[0], w[1]);
            if left <= len {
                let along = |a: i32, b: i32| a + (i64::from(b - a) * left / len.max(1)) as i32;
                return pt(along(w[0].x, w[1].x), along(w[0].y, w[1].y));
            }
            left -= len;
        }
        self.0.last().copied().unwrap_or_default()
    }

    /// As an SVG path with rounded corners.
    pub fn d(&self) -> String {
        let Some(first) = self.0.first() else { return String::new() };
        let mut d = format!("M{} {}", first.x, first.y);
        for i in 1..self.0.len() {
            let (before, here) = (self.0[i - 1], self.0[i]);
            let Some(&after) = self.0.get(i + 1) else {
                d += &format!("L{} {}", here.x, here.y);
                break;
            };
            let (a, b) = (towards(here, before), towards(here, after));
            d += &format!("L{} {}Q{} {} {} {}", a.x, a.y, here.x, here.y, b.x, b.y);
        }
        d
    }
}

/// Length of a segment: exact for horizontal and vertical ones, close enough for others.
fn span(a: Point, b: Point) -> i64 {
    let (dx, dy) = (i64::from((a.x - b.x).abs()), i64::from((a.y - b.y).abs()));
    dx.max(dy) + dx.min(dy) * 2 / 5
}

/// The point `CORNER` away from `from` in the direction of `to`, at most half-way.
fn towards(from: Point, to: Point) -> Point {
    let step = |a: i32, b: i32| a + (b - a).signum() * CORNER.min((b - a).abs() / 2);
    pt(step(from.x, to.x), step(from.y, to.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_travels_the_whole_path() {
        let path = Path(vec![pt(0, 0), pt(100, 0), pt(100, 100)]);
        assert_eq!(
            [path.at(0), path.at(250), path.at(500), path.at(1000)],
            [pt(0, 0), pt(50, 0), pt(100, 0), pt(100, 100)]
        );
        assert_eq!(path.d(), "M0 0L92 0Q100 0 100 8L100 100");
        assert_eq!(Path::default().at(500), pt(0, 0));
    }
}
