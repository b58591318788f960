//! Header lines as the standard reads them: joined values, tokens and lists.

/// A header line: name and value.
pub(crate) type Line = (String, String);

/// The bytes around a value that do not belong to it.
pub(super) fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// All values of a header joined by a comma and a space; `None` if it is absent (Fetch, "get").
pub(super) fn get(lines: &[Line], name: &str) -> Option<String> {
    let values: Vec<&str> = values(lines, name).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// The values of a header, line by line.
pub(super) fn values<'a>(lines: &'a [Line], name: &'a str) -> impl Iterator<Item = &'a str> {
    lines.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| trim(value))
}

/// RFC 9110 section 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The elements of a comma-separated list of tokens, empty ones left out; `None` if the header is absent, an error
/// with the first element that is no token (Fetch, "extract header list values").
pub(super) fn list(lines: &[Line], name: &str) -> Result<Option<Vec<String>>, String> {
    let mut found = None;
    for value in values(lines, name) {
        let elements: &mut Vec<String> = found.get_or_insert_default();
        for element in value.split(',').map(trim).filter(|element| !element.is_empty()) {
            if !is_token(element) {
                return Err(element.to_owned());
            }
            elements.push(element.to_owned());
        }
    }
    Ok(found)
}

/// The elements of a comma-separated list where commas within double quotes separate nothing (Fetch, "get, decode,
/// and split").
pub(super) fn split(lines: &[Line], name: &str) -> Vec<String> {
    let Some(value) = get(lines, name) else { return Vec::new() };
    let (mut elements, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for character in value.chars() {
        match character {
            ',' if !quoted => {
                elements.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if let Some(last) = elements.last_mut() {
            last.push(character);
        }
    }
    elements.iter().map(|element| trim(element).to_owned()).collect()
}
