//! The schemas of arguments and forms.

use serde_json::{Value, json};

/// Describes arguments that all have to be given, and are text.
pub(crate) fn texts(names: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string", "description": name }))).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

/// Describes a form with one line of text to fill in.
pub(crate) fn form(name: &str) -> Value {
    json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] })
}

/// Describes a form to agree with.
pub(crate) fn consent(name: &str) -> Value {
    json!({ "type": "object", "properties": { name: { "type": "boolean" } }, "required": [name] })
}

/// Describes a form with who one is.
pub(crate) fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "User's response" },
            "email": { "type": "string", "description": "User's email address" },
        },
        "required": ["username", "email"],
    })
}

/// Describes a form with a default of every type (SEP-1034).
pub(crate) fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        },
        "required": [],
    })
}

/// Describes a form with every kind of choice (SEP-1330).
pub(crate) fn choices() -> Value {
    let titled = |words: [&str; 3], noun: &str| {
        let ordinals = ["First", "Second", "Third"];
        let choice = |(word, ordinal): (&str, &str)| json!({ "const": word, "title": format!("{ordinal} {noun}") });
        words.into_iter().zip(ordinals).map(choice).collect::<Vec<_>>()
    };
    let (plain, values) = (["option1", "option2", "option3"], ["value1", "value2", "value3"]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": plain },
            "titledSingle": { "type": "string", "oneOf": titled(values, "Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled(values, "Choice") } },
        },
        "required": [],
    })
}

/// Describes arguments with the words of JSON Schema 2020-12 that clients must not lose (SEP-1613, SEP-2106).
pub(crate) fn modern() -> Value {
    let word = || json!({ "type": "string" });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": word(), "city": word() },
            },
        },
        "properties": {
            "name": word(),
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": word(),
            "email": word(),
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
