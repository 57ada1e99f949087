//! Pages of a list, by cursors that mean nothing to clients.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rmcp::{ErrorData, model::PaginatedRequestParams};

/// Returns the page that `request` asks for, and the cursor of the next one if there is one.
pub(super) fn page<T>(
    mut items: Vec<T>,
    request: Option<&PaginatedRequestParams>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let start = match request.and_then(|request| request.cursor.as_deref()) {
        None => 0,
        Some(cursor) => read(cursor).filter(|start| *start <= items.len()).ok_or_else(|| {
            ErrorData::invalid_params("the cursor is none of this list: start again without one", None)
        })?,
    };
    let next = start.saturating_add(size.max(1));
    let cursor = (next < items.len()).then(|| write(next));
    items.truncate(next);
    Ok((items.split_off(start), cursor))
}

fn write(start: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("from {start}"))
}

fn read(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("from ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;

    use super::*;

    fn turn(items: usize, cursor: Option<String>, size: usize) -> Result<(Vec<usize>, Option<String>), ErrorData> {
        page((0..items).collect(), Some(&PaginatedRequestParams::default().with_cursor(cursor)), size)
    }

    #[test]
    fn pages_hold_everything_once() {
        for (items, size) in [(0, 3), (3, 3), (4, 3), (10, 1), (5, 0)] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let (page, next) = turn(items, cursor, size).unwrap();
                seen.extend(page);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..items).collect::<Vec<_>>(), "{items} by {size}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        for cursor in ["", "x", "ZnJvbSA5OTk", "ZnJvbSAtMQ", "W10="] {
            let refused = turn(4, Some(cursor.to_owned()), 3).unwrap_err();
            assert_eq!(refused.code, ErrorCode::INVALID_PARAMS, "{cursor}");
        }
    }
}
