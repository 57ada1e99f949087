//! The prompts.

use switchboard::server::{Prompt, PromptArgument, PromptMessage, Role};
use switchboard_kit::{
    Ask, Call, Error, Result,
    host::{Content, JsonObject},
};

use crate::{content, questions::filled_in, schemas, tools::text};

/// Returns the prompts.
pub(crate) fn all() -> Vec<Prompt> {
    let arguments = |names: &[(&str, &str)]| {
        let argument = |(name, description): &(&str, &str)| PromptArgument {
            name: (*name).to_owned(),
            description: Some((*description).to_owned()),
            required: true,
        };
        names.iter().map(argument).collect::<Vec<_>>()
    };
    [
        ("test_simple_prompt", "A prompt without arguments", arguments(&[])),
        (
            "test_prompt_with_arguments",
            "A prompt with two arguments",
            arguments(&[("arg1", "First argument"), ("arg2", "Second argument")]),
        ),
        (
            "test_prompt_with_embedded_resource",
            "A prompt that holds a resource",
            arguments(&[("resourceUri", "The resource's URI")]),
        ),
        ("test_prompt_with_image", "A prompt that holds a picture", arguments(&[])),
        ("test_input_required_result_prompt", "A prompt that asks the user first", arguments(&[])),
    ]
    .map(|(name, description, arguments)| Prompt {
        name: name.to_owned(),
        title: None,
        description: Some(description.to_owned()),
        arguments,
    })
    .into()
}

/// Renders a prompt.
pub(crate) async fn render(call: &Call, name: &str, arguments: &JsonObject) -> Result<Vec<PromptMessage>> {
    let says = |text: &str| Content::Text(text.to_owned());
    let contents = match name {
        "test_simple_prompt" => vec![says("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (text(arguments, "arg1")?, text(arguments, "arg2")?);
            vec![says(&format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = text(arguments, "resourceUri")?;
            let resource = content::text(uri, "text/plain", "Embedded resource content for testing.");
            vec![Content::Resource(resource), says("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => vec![content::image(), says("Please analyze the image above.")],
        "test_input_required_result_prompt" => {
            let question = Ask::form("What context should the prompt use?", schemas::form("context"));
            let context = filled_in(call, "user_context", &question, "context").await?;
            vec![says(&format!("Use this context: {context}"))]
        }
        _ => return Err(Error::invalid(format!("unknown prompt `{name}`"))),
    };
    Ok(contents.into_iter().map(|content| PromptMessage { role: Role::User, content }).collect())
}
