//! The resources, and one family of them.

use serde_json::json;
use switchboard::server::{Resource, ResourceTemplate, template_parts};
use switchboard_kit::{
    Error, Result,
    host::{ResourceBody, ResourceContents},
};

use crate::content;

/// Names the family.
pub(crate) const TEMPLATE: &str = "test://template/{id}/data";

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";

/// Returns the resources.
pub(crate) fn all() -> Vec<Resource> {
    [
        (TEXT, "Static text", "Text that never changes", "text/plain"),
        (BINARY, "Static picture", "A picture that never changes", "image/png"),
        (WATCHED, "Watched text", "Text to subscribe to", "text/plain"),
    ]
    .map(|(uri, name, description, media_type)| Resource {
        uri: uri.to_owned(),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        media_type: Some(media_type.to_owned()),
    })
    .into()
}

/// Returns the family.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![ResourceTemplate {
        uri_template: TEMPLATE.to_owned(),
        name: "Data by id".to_owned(),
        description: Some("Says which id was asked for".to_owned()),
        media_type: Some("application/json".to_owned()),
    }]
}

/// Reads a resource.
pub(crate) fn read(uri: &str) -> Result<Vec<ResourceContents>> {
    if let Some(id) = template_parts(TEMPLATE, uri).and_then(|mut parts| parts.remove("id")) {
        let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
        return Ok(vec![content::text(uri, "application/json", &data.to_string())]);
    }
    Ok(vec![match uri {
        TEXT => content::text(uri, "text/plain", "This is the content of the static text resource."),
        WATCHED => content::text(uri, "text/plain", "Nothing has happened yet."),
        BINARY => ResourceContents {
            uri: uri.to_owned(),
            media_type: Some("image/png".to_owned()),
            body: ResourceBody::Bytes(content::png()),
        },
        _ => return Err(Error::not_found(format!("unknown resource `{uri}`"))),
    }])
}
