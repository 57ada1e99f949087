//! The chat verbs: one implementation over the facets, for one account and for many.
//!
//! - `served` is what all calls share; [`Chats`] is that, for one call of one caller.
//! - `verbs` says which tools are listed, `instructions` what a model is told about them.
//! - `targets`, `time`, `cursor`: what arguments mean. `transcript`, `answers`, `sanitise`, `escapes`: what answers look like.
//! - `policy` and `roots` are the gates: every write, and every file, passes one.
//! - `prompts`, `resources` and `suggestions` are what users pick by themselves, beside the tools that models call.
//! - The rest are the tools themselves, by subject.

mod answers;
mod catch_up;
mod change;
mod conversation;
mod conversations;
mod cursor;
mod emoji;
mod escapes;
mod files;
mod find;
mod instructions;
mod mark_read;
mod names;
mod people;
mod policy;
mod prompts;
mod react;
mod read;
mod resources;
mod roots;
pub(crate) mod sanitise;
mod scope;
mod search;
mod send;
mod served;
mod split;
mod suggestions;
mod targets;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod transcript;
mod verbs;
mod wait;
mod whoami;

pub use instructions::instructions;
pub use policy::{Budget, Confirm, Guards, Rules, Targets};
pub(crate) use prompts::{Argument, Prompt, prompts};
pub(crate) use resources::{CONVERSATION, Listed, MESSAGE, Named, Watching};
pub use roots::FileRoots;
pub use served::{Chats, Served, ServedAccount, SignedIn};
pub(crate) use suggestions::Typed;
pub(crate) use targets::fold;
pub use verbs::verbs;
