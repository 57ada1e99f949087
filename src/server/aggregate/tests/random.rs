//! With any providers: what is listed under a name is exactly what that name reaches.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    glob::Filter,
    server::{Filtered, Namespaced},
};

const NAMES: [&str; 7] = ["a", "b", "c", "a_b", "n_a", "n_b", "n_n_a"];

#[derive(Clone, Debug)]
struct Plan {
    tools: Vec<&'static str>,
    resources: Vec<String>,
    prompts: Vec<&'static str>,
    namespaces: usize,
    hidden: Vec<&'static str>,
    fails: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let names = || prop::collection::vec(prop::sample::select(&NAMES[..]), 0..5);
    let uris = prop::collection::vec(prop::sample::select(&["x://1", "x://n/1", "x:1", "x:n/1"][..]), 0..4);
    (names(), uris, names(), 0..3_usize, prop::collection::vec(prop::sample::select(&NAMES[..]), 0..2), any::<bool>())
        .prop_map(|(tools, resources, prompts, namespaces, hidden, fails)| Plan {
            tools,
            resources: resources.into_iter().map(str::to_owned).collect(),
            prompts,
            namespaces,
            hidden,
            fails,
        })
}

fn built(at: usize, plan: &Plan) -> Arc<dyn Provider> {
    let stub = Stub::new(&format!("p{at}"))
        .tools(plan.tools.iter().copied())
        .resources(plan.resources.iter().map(String::as_str))
        .prompts(plan.prompts.iter().copied());
    let stub =
        if plan.fails && plan.tools.is_empty() { stub.with(Fault::LookingUp).with(Fault::Listing) } else { stub };
    let mut provider: Arc<dyn Provider> = Arc::new(stub);
    for _ in 0..plan.namespaces {
        provider = Arc::new(Namespaced::new(provider, "n"));
    }
    let hide = plan.hidden.iter().map(|name| (*name).to_owned()).collect();
    Arc::new(Filtered::new(provider).tools(Filter { only: Vec::new(), hide }))
}

async fn check(plans: Vec<Plan>) -> Result<(), TestCaseError> {
    let all = Aggregate::new(plans.iter().enumerate().map(|(at, plan)| built(at, plan)));
    let call = call();
    let (mut tools, mut uris, mut prompts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for tool in all.list_tools(&call).await.unwrap() {
        prop_assert_eq!(called(&all, &tool.name).await.unwrap(), tool.description.clone());
        prop_assert_eq!(all.get_tool(&call, &tool.name).await.unwrap().unwrap(), tool.clone());
        prop_assert!(tools.insert(tool.name), "it is listed twice");
    }
    for resource in all.list_resources(&call).await.unwrap() {
        let expected = format!("{} {}", resource.uri, resource.name);
        prop_assert_eq!(read(&all, &resource.uri).await.unwrap(), expected);
        prop_assert!(uris.insert(resource.uri), "it is listed twice");
    }
    for prompt in all.list_prompts(&call).await.unwrap() {
        prop_assert_eq!(Some(rendered(&all, &prompt.name).await.unwrap()), prompt.description);
        prop_assert!(prompts.insert(prompt.name), "it is listed twice");
    }
    for name in NAMES.iter().flat_map(|name| [(*name).to_owned(), format!("n_{name}"), format!("n_n_{name}")]) {
        prop_assert_eq!(called(&all, &name).await.is_ok(), tools.contains(&name), "{}", name);
        prop_assert_eq!(rendered(&all, &name).await.is_ok(), prompts.contains(&name), "{}", name);
    }
    for uri in ["x://1", "x://n/1", "x://n/n/1", "x://n/n/n/1", "x:1", "x:n/1", "x:n/n/1", "x:n/n/n/1"] {
        prop_assert_eq!(read(&all, uri).await.is_ok(), uris.contains(uri), "{}", uri);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_listed_under_a_name_is_what_the_name_reaches(plans in prop::collection::vec(plan(), 0..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check(plans))?;
    }
}
