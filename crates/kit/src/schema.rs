//! JSON Schemas in the form that every MCP client accepts.
//!
//! Clients have dropped whole tool lists over a nullable union, a bare `true`, a `$schema` or an output that is no object;
//! what is left here is the part of JSON Schema 2020-12 that all of them read.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::tool::JsonObject;

/// Returns the schema of a tool's arguments.
pub fn input_schema<T: JsonSchema>() -> JsonObject {
    object(schema::<T>(SchemaSettings::draft2020_12(), true))
}

/// Returns the schema of a tool's answer.
pub(crate) fn output_schema<T: JsonSchema>() -> JsonObject {
    object(schema::<T>(SchemaSettings::draft2020_12().for_serialize(), false))
}

/// Returns the schema of a platform's settings, for editors.
pub(crate) fn settings_schema<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12(), true)
}

fn schema<T: JsonSchema>(mut settings: SchemaSettings, input: bool) -> Value {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    portable(&mut schema, input);
    schema
}

fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(mut schema) => {
            schema.entry("type").or_insert_with(|| json!("object"));
            schema
        }
        _ => JsonObject::new(),
    }
}

/// Rewrites a schema in place. An argument may be left out instead of being null, an answer may not.
fn portable(schema: &mut Value, input: bool) {
    if let Value::Bool(true) = schema {
        *schema = json!({});
    }
    let Value::Object(fields) = schema else { return };
    fields.retain(|name, value| match name.as_str() {
        "$schema" | "title" | "format" => false,
        "minimum" => *value != 0,
        // The bounds of our integers are nothing that a model would run into.
        "maximum" => ![json!(u8::MAX), json!(u16::MAX), json!(u32::MAX)].contains(value),
        // What is off, empty or absent need not be said to be.
        "default" => !(input && (value.is_null() || *value == false || *value == 0 || *value == "")),
        _ => true,
    });
    if input {
        without_null(fields);
    }
    constants(fields);
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "$defs" | "patternProperties", Value::Object(schemas)) => {
                for schema in schemas.values_mut() {
                    portable(schema, input);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                for schema in schemas {
                    portable(schema, input);
                }
            }
            ("items", schema) | ("additionalProperties", schema @ Value::Object(_)) => portable(schema, input),
            _ => {}
        }
    }
}

/// Turns `["integer", "null"]` and `anyOf [X, null]` into what is left without null.
fn without_null(fields: &mut JsonObject) {
    if let Some(kind) = fields.get_mut("type")
        && let Value::Array(types) = kind
    {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            *kind = only.take();
        }
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            fields.remove("anyOf");
            for (name, value) in only {
                fields.entry(name).or_insert(value);
            }
        }
    }
}

/// Turns a choice between documented constants into an `enum`.
fn constants(fields: &mut JsonObject) {
    let Some(Value::Array(choices)) = fields.get("oneOf") else { return };
    let values: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(values) = values {
        fields.remove("oneOf");
        fields.insert("type".into(), json!("string"));
        fields.insert("enum".into(), Value::Array(values));
    }
}

/// Returns the name nearest to `wrong`, if one is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > 100 {
        return None;
    }
    let near = names.into_iter().map(|name| (distance(wrong, name), name)).min()?;
    (near.0 <= 1 + wrong.chars().count() / 4).then_some(near.1)
}

/// Counts insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// How to sort.
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        /// Newest first.
        Newest,
        /// Oldest first.
        Oldest,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only described")]
    struct Arguments {
        /// Most to return.
        limit: Option<u16>,
        /// Order.
        order: Option<Order>,
        /// Anything.
        extra: Option<Vec<Value>>,
    }

    #[test]
    fn arguments_are_described_portably() {
        let schema = Value::Object(input_schema::<Arguments>());
        let expected = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "limit": { "description": "Most to return.", "type": "integer" },
                "order": { "description": "Order.", "type": "string", "enum": ["newest", "oldest"] },
                "extra": { "description": "Anything.", "type": "array", "items": {} },
            },
        });
        assert_eq!(schema, expected, "{schema:#}");
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("targt", ["target", "text"]), Some("target"));
        assert_eq!(nearest("frobnicate", ["target", "text"]), None);
        let (long, longer) = ("x".repeat(101), "x".repeat(102));
        assert_eq!(nearest(&long, [longer.as_str()]), None, "what is this long is compared with nothing");
    }
}
