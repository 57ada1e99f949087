//! The MCP side: where tools come from, how they are put together, and how they reach a client.

mod aggregate;
mod handler;
mod linked;
mod provider;
mod stdio;

pub use aggregate::Aggregate;
pub use handler::Handler;
pub use linked::Linked;
pub use provider::{
    Prompt, PromptArgument, PromptMessage, Provider, Resource, ResourceContents, ResourceTemplate, Role, Tool,
};
pub use stdio::serve_stdio;
