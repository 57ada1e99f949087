//! `#[tool]`: an async function with plain, documented parameters becomes a registered tool.

mod options;
mod parameters;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Error, Expr, ExprLit, ItemFn, Lit, Meta, Result, ReturnType, parse2, spanned::Spanned};

use options::Options;
use parameters::Parameters;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Options { effect, scopes } = parse2(options)?;
    let mut function: ItemFn = parse2(item)?;
    let name = function.sig.ident.clone();
    if function.sig.asyncness.is_none() {
        return Err(Error::new(function.sig.fn_token.span, "make the tool `async`"));
    }
    if !function.sig.generics.params.is_empty() {
        return Err(Error::new_spanned(&function.sig.generics, "a tool has no generic parameters"));
    }
    let description =
        docs(&function.attrs).ok_or_else(|| Error::new(name.span(), "document the tool: models read it"))?;
    let output = match &function.sig.output {
        ReturnType::Type(_, output) => output.clone(),
        ReturnType::Default => return Err(Error::new(name.span(), "return `Result<Json<T>>` or `Result<Text>`")),
    };
    let Parameters { host, fields, names, defaults, descriptions } = Parameters::take(&mut function)?;

    let tool_name = name.to_string();
    let arguments = format_ident!("Arguments");
    // The spans decide where a type that does not fit is reported: at the host, at the answer.
    let key = quote_spanned!(host.span()=> <#host as ::switchboard_kit::ToolHost>::KEY);
    let answers = quote_spanned!(output.span()=> ::switchboard_kit::private::output_schema::<#output>);
    Ok(quote! {
        #function

        const _: () = {
            use ::switchboard_kit::private;

            #(#defaults)*

            #[derive(::switchboard_kit::serde::Deserialize)]
            #[serde(crate = "::switchboard_kit::serde", deny_unknown_fields)]
            struct #arguments { #(#fields,)* }

            fn call<'a>(
                host: &'a (dyn private::Any + Send + Sync),
                arguments: private::JsonObject,
            ) -> private::BoxFuture<'a, private::Result<private::Reply>> {
                ::std::boxed::Box::pin(async move {
                    let #arguments { #(#names,)* } = private::parse(arguments)?;
                    private::reply(#name(private::open::<#host>(host), #(#names,)*).await)
                })
            }

            private::inventory::submit! {
                private::ToolDef {
                    host: #key,
                    name: #tool_name,
                    module: ::std::module_path!(),
                    description: #description,
                    effect: private::Effect::#effect,
                    scopes: &[#(#scopes),*],
                    input: || private::input_schema(&[#(#descriptions),*]),
                    output: #answers,
                    call,
                    place: ::std::concat!(::std::file!(), ":", ::std::line!()),
                }
            }
        };
    })
}

/// Joins doc comments, without the space that follows `///`.
fn docs(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect();
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(options: TokenStream, item: TokenStream) -> String {
        expand(options, item).unwrap_err().to_string()
    }

    #[test]
    fn a_tool_keeps_its_function_and_registers_it() {
        let code = expand(
            quote!(write, scopes = ["chat:write"]),
            quote! {
                /// Sends a message.
                async fn send_message(
                    slack: &Slack,
                    /// Channel ID.
                    channel: String,
                    /// Most lines.
                    #[default(50)]
                    limit: u16,
                ) -> Result<Text> { todo }
            },
        )
        .unwrap()
        .to_string();
        for part in [
            "async fn send_message (slack : & Slack , channel : String , limit : u16 ,) -> Result < Text >",
            "host : < Slack as :: switchboard_kit :: ToolHost > :: KEY",
            "name : \"send_message\"",
            "description : \"Sends a message.\"",
            "effect : private :: Effect :: Write",
            "scopes : & [\"chat:write\"]",
            "fn default_limit () -> u16 { 50 }",
            "deny_unknown_fields",
        ] {
            assert!(code.contains(part), "`{part}` is missing from {code}");
        }
    }

    #[test]
    fn what_a_tool_does_must_be_said() {
        let item = quote!(
            async fn f(a: &A) -> Result<Text> {}
        );
        assert_eq!(refusal(quote!(), item.clone()), "say what the tool does: `read`, `write` or `destructive`");
        assert_eq!(refusal(quote!(reads), item.clone()), "expected `read`, `write` or `destructive`");
        assert_eq!(refusal(quote!(read, scope = []), item), "expected `scopes = [\"…\"]`");
    }

    #[test]
    fn what_models_read_must_be_written() {
        let undocumented = quote!(
            async fn f(a: &A) -> Result<Text> {}
        );
        assert_eq!(refusal(quote!(read), undocumented), "document the tool: models read it");
        let item = quote! {
            /// Reads.
            async fn f(a: &A, channel: String) -> Result<Text> {}
        };
        assert_eq!(refusal(quote!(read), item), "document the parameter: models read it");
    }

    #[test]
    fn the_signature_must_be_plain() {
        let cases = [
            (
                quote!(
                    fn f(a: &A) -> Result<Text> {}
                ),
                "make the tool `async`",
            ),
            (
                quote!(
                    async fn f<T>(a: &A) -> Result<Text> {}
                ),
                "a tool has no generic parameters",
            ),
            (
                quote!(
                    async fn f(a: &A) {}
                ),
                "return `Result<Json<T>>` or `Result<Text>`",
            ),
            (
                quote!(
                    async fn f() -> Result<Text> {}
                ),
                "take the provider first, such as `slack: &Slack`",
            ),
            (
                quote!(
                    async fn f(a: A) -> Result<Text> {}
                ),
                "take the provider by reference, such as `slack: &Slack`",
            ),
            (
                quote!(
                    async fn f(&self) -> Result<Text> {}
                ),
                "a tool is a function, not a method: take `slack: &Slack` first",
            ),
            (
                quote!(
                    async fn f(a: &A, #[doc = "x"] (b, c): (u8, u8)) -> Result<Text> {}
                ),
                "name the parameter plainly",
            ),
        ];
        for (function, expected) in cases {
            assert_eq!(refusal(quote!(read), quote!(#[doc = "Reads."] #function)), expected);
        }
    }

    #[test]
    fn an_error_points_at_what_is_wrong() {
        let item: TokenStream =
            "#[doc = \"Reads.\"]\nasync fn f(\n    a: &A,\n    channel: String,\n) -> Result<Text> {}".parse().unwrap();
        let error = expand(quote!(read), item).unwrap_err();
        assert_eq!((error.span().start().line, error.span().start().column), (4, 4));
    }
}
