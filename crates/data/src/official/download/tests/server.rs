//! A server on the loopback interface that answers as each test prescribes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How the server answers one request.
pub(super) enum Reply {
    /// What was asked for, from the requested position on.
    Serve(Vec<u8>),
    /// The same, whatever was asked for.
    ServeAll(Vec<u8>),
    /// The same, but the connection closes after so many bytes of the body.
    CutOff(Vec<u8>, usize),
    /// The whole body under this `Content-Length`.
    Claim(Vec<u8>, usize),
    /// The same, in pieces of so many bytes with a pause before each.
    Trickle(Vec<u8>, usize, Duration),
    /// The same, but from so many bytes on only when the test says so, or hangs up.
    Gate(Vec<u8>, usize, Receiver<()>),
    /// Zeros without end and without a length.
    Endless,
    /// The head of an answer, then silence.
    Stall,
    Status(&'static str),
    /// Elsewhere: to a path on the same server.
    Redirect(&'static str),
}

/// Answers one request per reply; returns the address of the archive and the `Range` header of each request.
pub(super) fn serve(replies: Vec<Reply>) -> (String, Receiver<Option<u64>>) {
    let (folder, requests) = serve_folder(replies);
    let (seen, ranges) = channel();
    thread::spawn(move || {
        for (_, range) in requests {
            // Not every test looks at the ranges.
            let _ = seen.send(range);
        }
    });
    (format!("{folder}/toy.tar.gz"), ranges)
}

/// The same; the address of the folder, and the path and `Range` of each request.
pub(super) fn serve_folder(replies: Vec<Reply>) -> (String, Receiver<(String, Option<u64>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = channel();
    thread::spawn(move || answer_all(&listener, replies, &seen));
    (address, requests)
}

fn answer_all(listener: &TcpListener, replies: Vec<Reply>, seen: &Sender<(String, Option<u64>)>) {
    let mut kept_open = Vec::new();
    for reply in replies {
        let (stream, _) = listener.accept().unwrap();
        let (path, range) = read_request(&stream);
        let _ = seen.send((path, range));
        let stalled = matches!(reply, Reply::Stall);
        // The other end may hang up at any time; what that means is for the test to say.
        let _ = answer(&stream, reply, range);
        if stalled {
            kept_open.push(stream);
        }
    }
    // Stalled connections stay open until the test hangs up on its end.
    for mut stream in kept_open {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
}

fn read_request(stream: &TcpStream) -> (String, Option<u64>) {
    let (mut path, mut range) = (String::new(), None);
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("get ") {
            path = rest.split(' ').next().unwrap().to_owned();
        }
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    (path, range)
}

fn answer(mut stream: &TcpStream, reply: Reply, range: Option<u64>) -> std::io::Result<()> {
    match reply {
        Reply::Status(status) => {
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Reply::Redirect(to) => write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        Reply::Stall => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        Reply::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[0; 1 << 14])?;
            }
        }
        Reply::Claim(body, len) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body)
        }
        Reply::Trickle(body, piece, pause) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
            for piece in body.chunks(piece) {
                thread::sleep(pause);
                stream.write_all(piece)?;
            }
            Ok(())
        }
        Reply::ServeAll(body) => {
            head(stream, &body, None)?;
            stream.write_all(&body)
        }
        Reply::Serve(body) => {
            let rest = head(stream, &body, range)?;
            stream.write_all(rest)
        }
        Reply::CutOff(body, sent) => {
            let rest = head(stream, &body, range)?;
            stream.write_all(&rest[..rest.len().min(sent)])
        }
        Reply::Gate(body, sent, gate) => {
            let rest = head(stream, &body, range)?;
            stream.write_all(&rest[..sent])?;
            let _ = gate.recv();
            stream.write_all(&rest[sent..])
        }
    }
}

/// Writes the head of an answer with the bytes of `body` from `range` on, and gives them.
fn head<'a>(mut stream: &TcpStream, body: &'a [u8], range: Option<u64>) -> std::io::Result<&'a [u8]> {
    let start = range.unwrap_or(0) as usize;
    if start >= body.len() {
        let status = "416 Range Not Satisfiable";
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        return Ok(&[]);
    }
    let rest = &body[start..];
    let status = match range {
        None => "200 OK".to_owned(),
        Some(_) => {
            format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", body.len() - 1, body.len())
        }
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    Ok(rest)
}
