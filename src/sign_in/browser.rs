//! Signs in by browser: shows where to go, and waits for the browser to come back or for its address to be pasted.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use switchboard_kit::{Error, ErrorKind, Redirect, Result, host::is_loopback};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    Completed, SignIn,
    attempt::{Attempt, Refusal},
    callback,
    pending::{Origin, unguessable},
    site::Site,
    way::Browser,
};

/// How long the last page is kept for a browser that has yet to fetch it.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long renewals that a page has asked for may take in the end.
const RENEWALS: Duration = Duration::from_secs(20);

/// Serves the sign-in's pages until somebody has signed in.
pub(super) async fn run(request: &Arc<SignIn>, by: Browser) -> Result<Completed> {
    let address = callback::loopback(&request.host)?;
    let redirect = match &by {
        Browser::Code(by) => Some(&by.client.description.redirect),
        Browser::Sso(..) => None,
    };
    let listener = callback::listen(address, &ports(request, redirect)).await?;
    let (outcomes, mut ended) = mpsc::unbounded_channel();
    let site = Arc::new(site(request, by, &listener, address, outcomes)?);
    invite(&site)?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(callback::serve(listener, site.clone(), stop.clone()));
    // Aborts nothing on success: `serve` has returned by then.
    let _stopped_on_drop = stop.clone().drop_guard();
    let outcome = wait(&site, &mut ended).await;
    stop.cancel();
    // A panic in there has been reported already.
    let _ = serving.await;
    site.renewals.close();
    let _ = tokio::time::timeout(RENEWALS, site.renewals.wait()).await;
    outcome
}

/// Returns the port that a sign-in would listen on now; nothing if any will do.
pub(crate) async fn free_port(request: &SignIn, redirect: Option<&Redirect>) -> Result<Option<u16>> {
    let ports = ports(request, redirect);
    let listener = callback::listen(callback::loopback(&request.host)?, &ports).await?;
    let port = listener.local_addr().map_err(Error::unavailable)?.port();
    Ok(Some(port).filter(|_| ports != [0]))
}

fn ports(request: &SignIn, redirect: Option<&Redirect>) -> Vec<u16> {
    let own = request.callback_url.as_ref().filter(|url| is_loopback(url)).and_then(Url::port_or_known_default);
    match (request.port, own, redirect) {
        (Some(port), ..) | (None, Some(port), _) => vec![port],
        (None, None, _) if !request.ports.is_empty() => request.ports.clone(),
        (None, None, Some(Redirect::Ports(ports))) if !ports.is_empty() => ports.clone(),
        _ => vec![0],
    }
}

fn site(
    request: &Arc<SignIn>,
    by: Browser,
    listener: &TcpListener,
    address: IpAddr,
    outcomes: mpsc::UnboundedSender<Result<Completed>>,
) -> Result<Site> {
    let port = listener.local_addr().map_err(Error::unavailable)?.port();
    let name = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let unusable = |error| Error::new(ErrorKind::Config, "the callback address is no URL").caused_by(error);
    let own = Url::parse(&format!("http://{name}:{port}/auth/callback")).map_err(unusable)?;
    let mut redirects: Vec<_> = request.callback_url.iter().cloned().collect();
    redirects.push(own);
    redirects.dedup();
    let mut hosts: Vec<_> = ["127.0.0.1", "localhost", "[::1]", &name].map(|name| format!("{name}:{port}")).into();
    hosts.extend(request.callback_url.as_ref().map(|url| url.authority().to_owned()));
    Ok(Site {
        request: request.clone(),
        attempt: Attempt::new(by),
        nonce: unguessable(),
        redirects,
        hosts,
        cookie: format!("switchboard_sign_in_{port}"),
        renewals: TaskTracker::new(),
        linked: Mutex::default(),
        outcomes,
        seen: Notify::new(),
    })
}

/// Says what will happen where, and where to start.
fn invite(site: &Site) -> Result<()> {
    let (request, terminal) = (&site.request, &site.request.terminal);
    terminal.say(&format!("  sign-in   {}", site.attempt.place(request)?));
    let Some(redirect) = site.redirects.first() else { return Err(Error::unexpected("there is no callback address")) };
    terminal.say(&format!("  callback  {redirect}"));
    // The cookie of the first page must reach the last, so both have the same host.
    let start = redirect.join(&format!("/auth?nonce={}", site.nonce));
    let start = start.map_err(|error| Error::unexpected("the start address is no URL").caused_by(error))?;
    let opened = request.open_browser && terminal.open(&start);
    terminal.say(if opened {
        "Your browser opens this address:"
    } else {
        "Open this address in a browser on this machine:"
    });
    terminal.say(start.as_str());
    if !opened {
        terminal.say("Or open this one anywhere, and paste here the address at which the browser ends:");
        offer_paste(site)?;
    }
    Ok(())
}

/// Shows an address of the platform's own. The `state` in it is of no use to a browser: only a paste completes it.
fn offer_paste(site: &Site) -> Result<()> {
    let Some(redirect) = site.redirects.first() else { return Ok(()) };
    let target = site.attempt.begin(&site.request, Origin::Terminal, redirect)?;
    site.request.terminal.say(target.as_str());
    Ok(())
}

async fn wait(site: &Site, ended: &mut mpsc::UnboundedReceiver<Result<Completed>>) -> Result<Completed> {
    let request = &site.request;
    let (mut listening, mut last, mut pasted) = (true, None, false);
    loop {
        tokio::select! {
            biased;
            outcome = ended.recv() => match outcome {
                Some(Ok(linked)) => {
                    request.terminal.say(&format!("Signed in as {} to {}.", linked.identity.name, linked.account));
                    if !request.keep_running {
                        if !pasted {
                            // Nobody may ever look at the page; the sign-in is done all the same.
                            let _ = tokio::time::timeout(FAREWELL, site.seen.notified()).await;
                        }
                        return Ok(linked);
                    }
                    last = Some(linked);
                }
                Some(Err(error)) if request.keep_running => request.terminal.say(&format!("{error}")),
                Some(Err(error)) => return Err(error),
                None => return Err(Error::unexpected("the sign-in ended without an outcome")),
            },
            line = request.terminal.line(), if listening => match line {
                Some(line) => pasted |= paste(site, line.trim()).await?,
                None => listening = false,
            },
            _ = tokio::signal::ctrl_c(), if request.keep_running => {
                return last.ok_or_else(|| Error::new(ErrorKind::Cancelled, "nobody has signed in"));
            }
        }
    }
}

/// Takes an address that was pasted as if the browser had come back to it; tells whether it ended the sign-in.
async fn paste(site: &Site, line: &str) -> Result<bool> {
    let say = |line: &str| site.request.terminal.say(line);
    if line.is_empty() {
        return Ok(false);
    }
    let expected =
        |url: &Url| site.redirects.iter().any(|own| own.origin() == url.origin() && own.path() == url.path());
    let Some(url) = Url::parse(line).ok().filter(expected) else {
        say("This is not the address at which a sign-in ends. Paste all of it, from `http` on.");
        return Ok(false);
    };
    match site.complete(url.query().unwrap_or_default(), &Origin::Terminal).await {
        Err(refusal @ (Refusal::Unknown | Refusal::ForeignBrowser | Refusal::WrongIssuer | Refusal::Malformed)) => {
            say(&format!("{}. Open this address and paste where it ends:", refusal.title()));
            offer_paste(site)?;
            Ok(false)
        }
        // The outcome says more.
        Ok(()) | Err(_) => Ok(true),
    }
}
