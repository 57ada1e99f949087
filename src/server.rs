//! The MCP side: where tools come from, how they are put together, and how they reach a client.
//!
//! A [`Provider`] is a source of tools, resources and prompts; [`Linked`] is that of the platforms inside this program,
//! [`Aggregate`] makes one of several, [`Filtered`] and [`Namespaced`] another of one. [`Handler`] answers MCP's requests with
//! it; [`serve_stdio`] brings it to one client, [`serve_http`] to many.

mod aggregate;
mod changes;
mod filtered;
mod handler;
mod http;
mod linked;
mod namespaced;
mod provider;
mod stdio;
#[cfg(test)]
mod stub;
mod template;
#[cfg(test)]
mod tests;

pub use aggregate::Aggregate;
pub use changes::{Change, Changes};
pub use filtered::Filtered;
pub(crate) use handler::listed;
pub use handler::{Client, Handler};
pub use http::{BearerToken, HttpAddress, HttpOptions, serve_http};
pub use linked::Linked;
pub use namespaced::Namespaced;
pub use provider::{
    Completed, Completion, Kinds, Prompt, PromptArgument, PromptMessage, Provider, Resource, ResourceTemplate, Role,
    Tool, Watch,
};
pub use stdio::serve_stdio;
pub use template::parts as template_parts;
