//! `--sort-by`.
//! Models kubectl/pkg/cmd/get sorter.go.

use super::jsonpath;
use crate::api::Value;
use crate::base::arrange::Arrange;
use std::cmp::Ordering;

/// The order of the rows, or what is wrong with the expression.
pub fn order(path: &jsonpath::Path, items: &[Value], modern: bool) -> Result<Vec<usize>, String> {
    let keys: Vec<Option<Value>> =
        items.iter().map(|v| path.values(v).ok().and_then(|f| f.into_iter().next())).collect();
    if !items.is_empty() && keys.iter().all(Option::is_none) {
        return Err("couldn't find any field with path".to_owned());
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.arrange_by(|&a, &b| match (&keys[a], &keys[b]) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(a, b, modern),
    });
    Ok(order)
}

fn compare(a: &Value, b: &Value, modern: bool) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        // 1.20 compares the numbers in texts, 1.36 quantities.
        (Value::Str(a), Value::Str(b)) if modern => match (quantity(a), quantity(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (Value::Str(a), Value::Str(b)) => natural(a, b),
        _ => a.to_json().cmp(&b.to_json()),
    }
}

/// In thousandths, for text such as `100m` or `2Gi`.
fn quantity(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: i128 = text[..end].parse().ok()?;
    let scale = match &text[end..] {
        "" => 1_000,
        "m" => 1,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        _ => return None,
    };
    Some(number * scale)
}

/// Text with the numbers in it compared as numbers.
/// Models sortorder.NaturalLess.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (a.first(), b.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let number = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
            let (na, nb) = (number(a), number(b));
            let strip = |s: &[u8]| -> Vec<u8> { s.iter().copied().skip_while(|c| *c == b'0').collect() };
            let (da, db) = (strip(&a[..na]), strip(&b[..nb]));
            let order = da.len().cmp(&db.len()).then(da.cmp(&db)).then(na.cmp(&nb));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[na..], &b[nb..]);
        } else if x != y {
            return x.cmp(&y);
        } else {
            (a, b) = (&a[1..], &b[1..]);
        }
    }
    a.len().cmp(&b.len())
}
