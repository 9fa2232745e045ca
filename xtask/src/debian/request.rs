//! One request over HTTP: directly or through a proxy, following redirects.

use std::{path::PathBuf, time::Duration};

use base64ct::{Base64, Encoding};
use ureq::{
    Agent, Body, Proxy,
    http::{
        Request, Response, Uri, header, request,
        uri::{Authority, PathAndQuery},
    },
    unversioned::resolver::DefaultResolver,
};
use xshell::{Shell, cmd};

use super::{
    proxy::Proxies,
    whole_address::{self, WholeAddress},
};
use crate::context::BuildContext;

/// A mirror needs one or two.
const REDIRECTS: usize = 5;

/// Sends requests; connections are kept and shared by clones.
#[derive(Debug, Clone)]
pub struct Requester {
    agent: Agent,
    proxies: Proxies,
}

impl Requester {
    /// Reads the settings of the user's environment and of this machine's apt.
    pub fn new(ctx: &BuildContext) -> Self {
        let variables =
            ctx.inherited.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let proxies = Proxies::new(variables, &apt_settings(ctx));
        let agent =
            Agent::with_parts(crate::http::config(), WholeAddress::default(), DefaultResolver::default());
        Self { agent, proxies }
    }

    /// The answer to `GET`, from byte `from` on. A server that says nothing for `silence` has failed. The error is a
    /// text.
    pub fn get(&self, url: &str, from: u64, silence: Duration) -> Result<Response<Body>, String> {
        let mut uri: Uri = url.parse().map_err(|_| format!("{url} is not an address"))?;
        for _ in 0..=REDIRECTS {
            let response = self.get_once(&uri, from, silence)?;
            let location = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
            match location {
                Some(location) if response.status().is_redirection() => uri = beside(&uri, location)?,
                _ => return Ok(response),
            }
        }
        Err(format!("{REDIRECTS} redirects and no file, the last one to {uri}"))
    }

    fn get_once(&self, uri: &Uri, from: u64, silence: Duration) -> Result<Response<Body>, String> {
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        let proxy = self.proxies.of(scheme, host);
        let told = |error: &dyn std::fmt::Display| match proxy {
            Some(proxy) => format!("{error}, through the proxy {}", with_scheme(proxy)),
            None => error.to_string(),
        };
        let mut request = Request::get(uri.clone());
        let mut tunnel = None;
        match proxy.map(with_scheme) {
            None => {}
            // A proxy for plain HTTP gets the whole address (RFC 9112, section 3.2.2). Many refuse CONNECT to port 80.
            Some(proxy) if scheme == "http" && proxy.starts_with("http://") => {
                let proxy = Proxy::new(&proxy).map_err(|error| told(&error))?;
                request = through(&proxy, uri).map_err(|error| told(&error))?;
            }
            Some(proxy) => tunnel = Some(Proxy::new(&proxy).map_err(|error| told(&error))?),
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let request = request.body(()).map_err(|error| told(&error))?;
        let request = self.agent.configure_request(request).proxy(tunnel);
        let request = request.timeout_connect(Some(silence)).timeout_recv_response(Some(silence));
        self.agent.run(request.timeout_per_read(Some(silence)).build()).map_err(|error| told(&error))
    }
}

/// What apt reads from its files; nothing where there is no apt.
fn apt_settings(ctx: &BuildContext) -> String {
    let program = ctx.path.iter().map(|it| it.join("apt-config")).find(|it| it.is_file());
    let dump = |program| {
        let shell = Shell::new()?;
        cmd!(shell, "{program} dump").quiet().ignore_stderr().read()
    };
    program.and_then(|program: PathBuf| dump(program).ok()).unwrap_or_default()
}

/// A request to the proxy, marked for [`WholeAddress`].
fn through(proxy: &Proxy, uri: &Uri) -> Result<request::Builder, ureq::http::Error> {
    let authority = uri.authority().map_or("", Authority::as_str);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let to_proxy = format!("http://{}:{}/", proxy.host(), proxy.port());
    let target = format!("http://{host}{path}");
    let mut request = Request::get(to_proxy).header(header::HOST, host).header(whole_address::MARK, target);
    if let Some(credentials) = basic(proxy) {
        request = request.header(header::PROXY_AUTHORIZATION, credentials);
    }
    // ureq sends those of the address that it connects to. Its type for a proxy decodes those of any address.
    if let Some(credentials) = Proxy::new(&format!("http://{authority}")).ok().as_ref().and_then(basic) {
        request = request.header(header::AUTHORIZATION, credentials);
    }
    Ok(request)
}

/// The value of `Authorization` (RFC 7617).
fn basic(address: &Proxy) -> Option<String> {
    let (user, password) = (address.username(), address.password());
    user.or(password)?;
    let pair = format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default());
    Some(format!("Basic {}", Base64::encode_string(pair.as_bytes())))
}

/// `proxy.example:3128` is one for HTTP (curl(1), "--proxy").
fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

/// Where a `Location` leads (RFC 3986, section 5.2).
fn beside(uri: &Uri, location: &str) -> Result<Uri, String> {
    let (scheme, authority) =
        (uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", Authority::as_str));
    let directory = uri.path().rsplit_once('/').map_or("", |(directory, _)| directory);
    let address = match location {
        whole if whole.starts_with("http://") || whole.starts_with("https://") => whole.to_owned(),
        host if host.starts_with("//") => format!("{scheme}:{host}"),
        path if path.starts_with('/') => format!("{scheme}://{authority}{path}"),
        name => format!("{scheme}://{authority}{directory}/{name}"),
    };
    address.parse().map_err(|_| format!("a redirect to {location}, which is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_relative_to_its_address() {
        let from: Uri = "http://mirror.example:80/debian/pool/x.deb".parse().unwrap();
        for (location, to) in [
            ("https://cdn.example/y", "https://cdn.example/y"),
            ("//cdn.example/y", "http://cdn.example/y"),
            ("/y", "http://mirror.example:80/y"),
            ("y.deb", "http://mirror.example:80/debian/pool/y.deb"),
        ] {
            assert_eq!(beside(&from, location).unwrap().to_string(), to);
        }
        assert!(beside(&from, "http://a b").is_err());
    }
}
