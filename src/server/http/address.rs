//! Where the server listens: this machine alone, unless whoever comes has to prove that they may.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

use switchboard_kit::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, TcpSocket};

/// Most connections that wait to be accepted: more than come at once, for each beyond has to try again after a second.
const MOST_WAITING: u32 = 4096;

/// An address to listen on, such as `127.0.0.1:8080`; port 0 stands for any that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAddress(SocketAddr);

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("`{text}` is no address and port, such as `127.0.0.1:8080`, `[::1]:0` or `localhost:9000`");
        let address = match text.strip_prefix("localhost:") {
            Some(port) => port.parse().ok().map(|port: u16| (Ipv4Addr::LOCALHOST, port).into()),
            None => text.parse().ok(),
        };
        address.map(Self).ok_or_else(wrong)
    }
}

impl HttpAddress {
    /// Returns whether only this machine reaches it.
    pub fn is_loopback(self) -> bool {
        self.0.ip().is_loopback()
    }

    /// Listens there. Beyond this machine only `guarded` servers do.
    pub(super) fn listen(self, guarded: bool) -> Result<TcpListener> {
        let Self(address) = self;
        if !self.is_loopback() && !guarded {
            let message = format!("`{address}` can be reached from other machines, and no bearer token is set");
            return Err(Error::new(ErrorKind::Config, message)
                .hint("listen on 127.0.0.1, or set SWITCHBOARD_HTTP_TOKEN or `--bearer-file`"));
        }
        listen(address).map_err(|error| {
            Error::new(ErrorKind::Config, format!("nothing can listen on `{address}`: {error}"))
                .hint("end what listens there, or choose another port; 0 is any that is free")
                .caused_by(error)
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere than on Windows this lets a server start again at once; there it would let two have the same port.
    socket.set_reuseaddr(!cfg!(windows))?;
    socket.bind(address)?;
    socket.listen(MOST_WAITING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        for (good, read) in
            [("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:0", "[::1]:0"), ("localhost:9000", "127.0.0.1:9000")]
        {
            assert_eq!(good.parse(), Ok(HttpAddress(read.parse().unwrap())));
        }
        for bad in ["", "8080", ":8080", "127.0.0.1", "localhost", "localhost:", "localhost:70000", "chat.example:80"] {
            assert!(bad.parse::<HttpAddress>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn other_machines_need_a_token() {
        let everywhere: HttpAddress = "0.0.0.0:0".parse().unwrap();
        let error = everywhere.listen(false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint_text().unwrap().contains("SWITCHBOARD_HTTP_TOKEN"));
        everywhere.listen(true).unwrap();
    }
}
