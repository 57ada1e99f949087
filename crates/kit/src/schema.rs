//! JSON Schemas in the form that every MCP client accepts.
//!
//! Clients have dropped whole tool lists over a nullable union, a bare `true`, a `$schema` or an output that is no object;
//! what is left here is the part of JSON Schema 2020-12 that all of them read.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::tool::JsonObject;

/// One argument of a tool, as `#[tool]` writes it down.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What models read about it.
    pub description: &'static str,
    /// What it is if it is left out; otherwise it must be there, unless it is `optional`.
    pub default: Option<fn() -> Value>,
    /// Whether it may be left out and then is nothing.
    pub optional: bool,
    /// Describes its type.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Returns the schema of a tool's arguments. A client waits for these when it starts, so only the types are left to the general
/// way of describing things.
pub fn input_schema(parameters: &[Parameter]) -> JsonObject {
    let mut generator = generator(SchemaSettings::draft2020_12());
    let (mut properties, mut required) = (JsonObject::new(), Vec::new());
    for parameter in parameters {
        let mut schema = (parameter.schema)(&mut generator).to_value();
        portable(&mut schema, true);
        if let Value::Object(fields) = &mut schema {
            fields.insert("description".into(), parameter.description.into());
            if let Some(default) = parameter.default.map(|default| default()).filter(is_worth_saying) {
                fields.insert("default".into(), default);
            }
        }
        if parameter.default.is_none() && !parameter.optional {
            required.push(Value::from(parameter.name));
        }
        properties.insert(parameter.name.into(), schema);
    }
    let mut schema = JsonObject::new();
    schema.insert("type".into(), "object".into());
    schema.insert("additionalProperties".into(), false.into());
    if !properties.is_empty() {
        schema.insert("properties".into(), properties.into());
    }
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

/// Returns the schema of a tool's answer.
pub(crate) fn output_schema<T: JsonSchema>() -> JsonObject {
    object(schema::<T>(SchemaSettings::draft2020_12().for_serialize(), false))
}

/// Returns the schema of a platform's settings, for editors.
pub(crate) fn settings_schema<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12(), true)
}

fn schema<T: JsonSchema>(settings: SchemaSettings, input: bool) -> Value {
    let mut schema = generator(settings).into_root_schema_for::<T>().to_value();
    portable(&mut schema, input);
    schema
}

fn generator(mut settings: SchemaSettings) -> SchemaGenerator {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator()
}

/// Returns whether a default is more than off, empty or absent, which need not be said.
fn is_worth_saying(default: &Value) -> bool {
    !(default.is_null() || *default == false || *default == 0 || *default == "")
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
        "default" => !input || is_worth_saying(value),
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

    fn argument(
        name: &'static str,
        description: &'static str,
        schema: fn(&mut SchemaGenerator) -> Schema,
    ) -> Parameter {
        Parameter { name, description, default: None, optional: true, schema }
    }

    #[test]
    fn arguments_are_described_portably() {
        let schema = Value::Object(input_schema(&[
            Parameter { default: Some(|| 50.into()), ..argument("limit", "Most to return.", u16::json_schema) },
            Parameter { default: Some(|| false.into()), ..argument("all", "All of it.", bool::json_schema) },
            Parameter { optional: false, ..argument("order", "Order.", Order::json_schema) },
            argument("extra", "Anything.", Vec::<Value>::json_schema),
        ]));
        let expected = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "limit": { "description": "Most to return.", "type": "integer", "default": 50 },
                "all": { "description": "All of it.", "type": "boolean" },
                "order": { "description": "Order.", "type": "string", "enum": ["newest", "oldest"] },
                "extra": { "description": "Anything.", "type": "array", "items": {} },
            },
            "required": ["order"],
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
