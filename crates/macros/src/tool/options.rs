//! What stands in the brackets: the effect, then the scopes.

use proc_macro2::{Ident, Span};
use syn::{
    Error, Expr, ExprArray, Result, Token,
    parse::{Parse, ParseStream},
};

/// `read`, `write` or `destructive`, then `scopes = ["…"]`.
pub(super) struct Options {
    pub(super) effect: Ident,
    pub(super) scopes: Vec<Expr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), "say what the tool does: `read`, `write` or `destructive`"));
        }
        let word: Ident = input.parse()?;
        let effect = match word.to_string().as_str() {
            "read" => "Read",
            "write" => "Write",
            "destructive" => "Destructive",
            _ => return Err(Error::new(word.span(), "expected `read`, `write` or `destructive`")),
        };
        let mut scopes = Vec::new();
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "scopes" {
                return Err(Error::new(key.span(), "expected `scopes = [\"…\"]`"));
            }
            input.parse::<Token![=]>()?;
            scopes = input.parse::<ExprArray>()?.elems.into_iter().collect();
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { effect: Ident::new(effect, word.span()), scopes })
    }
}
