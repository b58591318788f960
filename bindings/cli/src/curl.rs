//! A request described by a curl command, such as browsers' developer tools copy it.

use corsac::browser::ScriptRequest;

use crate::Failure;

/// Reads `curl URL -X METHOD -H 'Name: value' --data BODY ...`. Options that do not matter to CORS are passed over.
pub(crate) fn request(command: &str) -> Result<ScriptRequest, Failure> {
    let words = shell_words::split(command).map_err(|error| format!("--curl: {error}"))?;
    let mut words = words.into_iter().peekable();
    words.next_if(|word| word == "curl" || word.ends_with("/curl"));
    let (mut url, mut method, mut body, mut head) = (None, None, None::<String>, false);
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut include = false;
    let mut get = false;
    while let Some(word) = words.next() {
        // `--name=value` and `-Xvalue` are `--name value` and `-X value`.
        let (name, mut attached) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ if word.len() > 2
                && word.starts_with('-')
                && !word.starts_with("--")
                && takes_value(word.get(..2).unwrap_or("")) =>
            {
                (word.get(..2).unwrap_or("").to_owned(), word.get(2..).map(str::to_owned))
            }
            _ => (word, None),
        };
        let mut value = |what: &str| {
            attached.take().or_else(|| words.next()).ok_or_else(|| format!("--curl: {name} needs {what}"))
        };
        match name.as_str() {
            "-X" | "--request" => method = Some(value("a method")?),
            "-H" | "--header" => {
                let line = value("a header line")?;
                let (header, value) = line
                    .split_once(':')
                    .ok_or_else(|| format!("--curl: {line:?} is no header line: write Name: value"))?;
                match header.trim().to_ascii_lowercase().as_str() {
                    // What the browser sets: cookies show that the request has credentials.
                    "cookie" => include = true,
                    name if is_browsers_own(name) => {}
                    _ => headers.push((header.trim().to_owned(), value.trim().to_owned())),
                }
            }
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" | "--data-urlencode" | "-F"
            | "--form" => {
                let part = value("data")?;
                if matches!(name.as_str(), "-F" | "--form") {
                    headers.push(("Content-Type".to_owned(), "multipart/form-data; boundary=x".to_owned()));
                } else if !has(&headers, "content-type") && body.is_none() {
                    headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
                }
                body = Some(part);
            }
            "--json" => {
                body = Some(value("data")?);
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            }
            "-u" | "--user" => {
                value("a user")?;
                headers.push(("Authorization".to_owned(), "Basic".to_owned()));
            }
            "-b" | "--cookie" => {
                value("a cookie")?;
                include = true;
            }
            "-G" | "--get" => get = true,
            "-I" | "--head" => head = true,
            "--url" => url = Some(value("a URL")?),
            name if takes_value(name) => {
                value("a value")?;
            }
            name if name.starts_with('-') => {}
            _ => url = Some(name.clone()),
        }
    }
    let url = url.ok_or("--curl: there is no URL in the command")?;
    let method = method.unwrap_or_else(|| {
        if head {
            "HEAD"
        } else if body.is_some() && !get {
            "POST"
        } else {
            "GET"
        }
        .to_owned()
    });
    let mut request = ScriptRequest::new(&method, &url);
    // A header that is set later counts, as the data's own type does only where none is set.
    let mut seen = false;
    headers.reverse();
    headers.retain(|(name, _)| {
        !name.eq_ignore_ascii_case("content-type") || !std::mem::replace(&mut seen, true)
    });
    headers.reverse();
    request.headers = headers;
    request.body = if get { None } else { body };
    if include {
        request.credentials = "include".to_owned();
    }
    Ok(request)
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Headers that no script sets: a copied command has those that the browser added.
fn is_browsers_own(name: &str) -> bool {
    name.starts_with("sec-")
        || name.starts_with("access-control-request-")
        || matches!(
            name,
            "accept"
                | "accept-language"
                | "accept-encoding"
                | "origin"
                | "referer"
                | "user-agent"
                | "connection"
                | "host"
                | "dnt"
                | "te"
                | "priority"
                | "pragma"
                | "cache-control"
                | "content-length"
                | "upgrade-insecure-requests"
        )
}

/// curl's other options with a value.
fn takes_value(name: &str) -> bool {
    matches!(
        name,
        "-X" | "-H"
            | "-d"
            | "-F"
            | "-u"
            | "-b"
            | "-A"
            | "--user-agent"
            | "-e"
            | "--referer"
            | "-o"
            | "--output"
            | "-m"
            | "--max-time"
            | "--connect-timeout"
            | "-x"
            | "--proxy"
            | "--cacert"
            | "--cert"
            | "--key"
            | "--resolve"
            | "--retry"
            | "-w"
            | "--write-out"
            | "-c"
            | "--cookie-jar"
            | "-T"
            | "--upload-file"
            | "-r"
            | "--range"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test a panic is a failure with a place")]

    use super::request;

    #[test]
    fn a_copied_command_becomes_the_request_of_the_script() {
        let command = "curl 'https://api.example.com/items' \\\n -X 'PUT' -H 'accept: */*' -H 'sec-fetch-mode: cors' \
                       -H 'content-type: application/json' -H 'x-token: 1' -H 'origin: https://app.example.com' \
                       -b 'id=1' --data-raw '{\"a\":1}' --compressed";
        let request = request(command).unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("PUT", "https://api.example.com/items"));
        assert_eq!(request.credentials, "include");
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "x-token"]);
        assert_eq!(request.body.as_deref(), Some("{\"a\":1}"));
    }

    #[test]
    fn short_options_may_have_their_value_attached() {
        let request = request("curl -XDELETE -H'X-A: 1' --url=http://localhost:3000/").unwrap();
        assert_eq!((request.method.as_str(), request.headers.len()), ("DELETE", 1));
        assert_eq!(request.url, "http://localhost:3000/");
    }

    #[test]
    fn data_makes_a_form_and_json_does_not() {
        let content_type = |command: &str| request(command).unwrap().headers.first().unwrap().1.clone();
        assert_eq!(content_type("curl -d a=1 http://localhost/"), "application/x-www-form-urlencoded");
        assert_eq!(content_type("curl --json '{}' http://localhost/"), "application/json");
        assert_eq!(
            content_type("curl -d '{}' -H 'Content-Type: application/json' http://localhost/"),
            "application/json"
        );
    }

    #[test]
    fn what_is_no_command_is_told_so() {
        for command in ["curl", "curl -X", "curl 'a", "curl -H nonsense http://localhost/"] {
            assert!(request(command).is_err(), "{command}");
        }
    }
}
