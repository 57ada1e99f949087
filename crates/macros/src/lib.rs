//! `#[tool]` and `#[provider]`, which register what they are put on.

mod provider;
mod tool;

use proc_macro::TokenStream;

/// Makes an async function a tool of the type in its first parameter, which must be a `ToolHost`.
///
/// The function stays as it is. `read`, `write` or `destructive` says what it does, `scopes = ["…"]` what it needs. Its
/// documentation and that of its parameters are what models read, so none may be missing. A parameter that is an
/// `Option`, or has a `#[default(…)]`, may be left out by callers.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(options.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Registers a `Platform` under its crate's name.
#[proc_macro_attribute]
pub fn provider(options: TokenStream, item: TokenStream) -> TokenStream {
    provider::expand(options.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
