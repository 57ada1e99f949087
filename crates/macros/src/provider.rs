//! `#[provider]`: the platform's key is its crate's name.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, ItemImpl, Result, parse_quote, parse2};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if let Some(option) = options.into_iter().next() {
        return Err(Error::new(option.span(), "`#[provider]` takes no options: the key is the crate's name"));
    }
    let mut item: ItemImpl = parse2(item)
        .map_err(|_| Error::new(Span::call_site(), "put `#[provider]` on `impl Platform for` your client type"))?;
    if item.trait_.is_none() {
        return Err(Error::new_spanned(&item.self_ty, "put `#[provider]` on `impl Platform for` your client type"));
    }
    let platform = item.self_ty.clone();
    item.items.insert(
        0,
        parse_quote!(
            const KEY: &'static str = env!("CARGO_CRATE_NAME");
        ),
    );
    Ok(quote! {
        #item

        impl ::switchboard_kit::ToolHost for #platform {
            const KEY: &'static str = <#platform as ::switchboard_kit::Platform>::KEY;
        }

        ::switchboard_kit::private::inventory::submit! {
            ::switchboard_kit::private::PlatformDef::new::<#platform>()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_crates_name() {
        let code = expand(quote!(), quote!(impl Platform for Slack {})).unwrap().to_string();
        assert!(code.contains("CARGO_CRATE_NAME"), "{code}");
        assert!(code.contains("PlatformDef :: new :: < Slack >"), "{code}");
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        let message = "put `#[provider]` on `impl Platform for` your client type";
        for item in [
            quote!(
                struct Slack;
            ),
            quote!(impl Slack {}),
        ] {
            assert_eq!(expand(quote!(), item).unwrap_err().to_string(), message);
        }
        let error = expand(quote!(slack), quote!(impl Platform for Slack {})).unwrap_err();
        assert_eq!(error.to_string(), "`#[provider]` takes no options: the key is the crate's name");
    }
}
