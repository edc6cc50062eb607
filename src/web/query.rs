//! The parameters of an address or a form, read strictly.
//!
//! What would have to be guessed is refused: bytes that are not UTF-8, a `%` without two digits, a parameter twice.

use super::Refused;
use percent_encoding::percent_decode_str;

/// More parameters than any form of ours has.
const MOST: usize = 100;

/// Names with their values, in the order in which they came.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&…`, form-encoded.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        if pairs.clone().count() > MOST {
            return Err(Refused::new(400, format!("参数太多；最多写 {MOST} 个")));
        }
        let decoded = |part: &str| decode(&part.replace('+', " "));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        };
        pairs.map(pair).collect::<Result<_, _>>().map(Self)
    }

    /// All values of a parameter that may be repeated.
    pub(super) fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter that may be there once.
    pub(super) fn one<'q>(&'q self, name: &'q str) -> Result<Option<&'q str>, Refused> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Refused::new(400, format!("参数 `{name}` 写了不止一次；请只写一次"))),
            None => Ok(first),
        }
    }

    /// Whether a parameter is `1`; it is `0` if it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.one(name)? {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => {
                Err(Refused::new(400, format!("`{name}` 不能是 `{other}`；请写 1 或 0")))
            }
        }
    }

    /// Refuses all but these parameters.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), Refused> {
        match self.0.iter().find(|(name, _)| !names.contains(&&**name)) {
            None => Ok(()),
            Some((name, _)) if names.is_empty() => {
                Err(Refused::new(400, format!("不认识参数 `{name}`；这个接口没有参数")))
            }
            Some((name, _)) => {
                let known = names.join("`、`");
                Err(Refused::new(400, format!("不认识参数 `{name}`；有 `{known}`")))
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Percent-decodes a part of an address; refused where it is not well-formed or not UTF-8.
pub(super) fn decode(part: &str) -> Result<String, Refused> {
    let digits =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !part.split('%').skip(1).all(digits) {
        return Err(Refused::new(400, "地址里的 % 后面要有两位十六进制数字；百分号本身要写成 %25"));
    }
    match percent_decode_str(part).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Refused::new(400, "地址里的字不是 UTF-8 编码；请直接在上面的框里输入")),
    }
}
