//! Small contents of every kind.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use switchboard_kit::host::{Content, ResourceBody, ResourceContents};

/// One red pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// Eight samples of silence.
const SILENCE: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap_or_default()
}

/// Returns a picture's bytes.
pub(crate) fn png() -> Vec<u8> {
    bytes(PIXEL)
}

/// Returns a picture.
pub(crate) fn image() -> Content {
    Content::Image { data: png(), media_type: "image/png".to_owned() }
}

/// Returns sound.
pub(crate) fn audio() -> Content {
    Content::Audio { data: bytes(SILENCE), media_type: "audio/wav".to_owned() }
}

/// Returns what a resource of text holds.
pub(crate) fn text(uri: &str, media_type: &str, text: &str) -> ResourceContents {
    let body = ResourceBody::Text(text.to_owned());
    ResourceContents { uri: uri.to_owned(), media_type: Some(media_type.to_owned()), body }
}
