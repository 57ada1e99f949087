//! The parameters: the first is the host, the others become the fields that callers fill in.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Error, Expr, FnArg, GenericArgument, ItemFn, Pat, PathArguments, Result, Type, ext::IdentExt as _, spanned::Spanned,
};

use super::docs;

pub(super) struct Parameters {
    /// The type of the first parameter.
    pub(super) host: Type,
    /// One field for each of the others, with what was written on it.
    pub(super) fields: Vec<TokenStream>,
    pub(super) names: Vec<Ident>,
    /// A function for each `#[default(…)]`.
    pub(super) defaults: Vec<TokenStream>,
    /// What describes each of them.
    pub(super) descriptions: Vec<TokenStream>,
}

impl Parameters {
    /// Moves the parameters' attributes from the function, where the compiler would refuse them, to the fields.
    pub(super) fn take(function: &mut ItemFn) -> Result<Self> {
        let name = function.sig.ident.span();
        let mut parameters = function.sig.inputs.iter_mut();
        let host = match parameters.next() {
            Some(FnArg::Typed(first)) => match &*first.ty {
                Type::Reference(host) if host.mutability.is_none() => (*host.elem).clone(),
                other => {
                    return Err(Error::new_spanned(other, "take the provider by reference, such as `slack: &Slack`"));
                }
            },
            Some(FnArg::Receiver(receiver)) => {
                let message = "a tool is a function, not a method: take `slack: &Slack` first";
                return Err(Error::new_spanned(receiver, message));
            }
            None => return Err(Error::new(name, "take the provider first, such as `slack: &Slack`")),
        };
        let mut taken =
            Self { host, fields: Vec::new(), names: Vec::new(), defaults: Vec::new(), descriptions: Vec::new() };
        for parameter in parameters {
            taken.field(parameter)?;
        }
        Ok(taken)
    }

    fn field(&mut self, parameter: &mut FnArg) -> Result<()> {
        let FnArg::Typed(parameter) = parameter else {
            return Err(Error::new_spanned(parameter, "name the parameter plainly"));
        };
        let Pat::Ident(pattern) = &*parameter.pat else {
            return Err(Error::new(parameter.pat.span(), "name the parameter plainly"));
        };
        let (name, ty) = (pattern.ident.clone(), &parameter.ty);
        let attributes = std::mem::take(&mut parameter.attrs);
        let Some(description) = docs(&attributes) else {
            return Err(Error::new(name.span(), "document the parameter: models read it"));
        };
        let (defaults, attributes): (Vec<_>, Vec<_>) =
            attributes.into_iter().partition(|attribute| attribute.path().is_ident("default"));
        if let Some(other) = attributes.iter().find(|attribute| !attribute.path().is_ident("doc")) {
            return Err(Error::new_spanned(other, "a parameter takes `#[default(…)]` and nothing else"));
        }
        let (given, default) = match defaults.first() {
            Some(default) => {
                let (value, function): (Expr, _) = (default.parse_args()?, format_ident!("default_{name}"));
                let path = function.to_string();
                self.defaults.push(quote!(fn #function() -> #ty { #value }));
                (Some(quote!(#[serde(default = #path)])), quote!(Some(|| private::json(#function()))))
            }
            None => (None, quote!(None)),
        };
        self.fields.push(quote!(#given #name: #ty));
        let (key, plain) = (name.unraw().to_string(), present(ty));
        let (optional, ty) = (plain.is_some(), plain.unwrap_or(ty));
        self.descriptions.push(quote! {
            private::Parameter {
                name: #key,
                description: #description,
                default: #default,
                optional: #optional,
                schema: <#ty as ::switchboard_kit::schemars::JsonSchema>::json_schema,
            }
        });
        self.names.push(name);
        Ok(())
    }
}

/// Returns what an `Option` is of, if a type is one.
fn present(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(of) => match of.args.first() {
            Some(GenericArgument::Type(of)) => Some(of),
            _ => None,
        },
        _ => None,
    }
}
