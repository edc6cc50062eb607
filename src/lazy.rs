//! Values that lie in an index as bytes until somebody looks at them.

pub use ownedbytes::OwnedBytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use std::{
    fmt::{self, Debug},
    ops::{Deref, DerefMut},
    sync::OnceLock,
};

/// A value that is read from its bytes when it is first looked at.
///
/// # Panics
/// Looking at it panics if the bytes are not those of such a value. They come from an index that has been proven.
#[derive(Clone)]
pub struct Lazy<T> {
    bytes: OwnedBytes,
    value: OnceLock<T>,
}

impl<T> Lazy<T> {
    pub(crate) fn read(bytes: OwnedBytes) -> Self {
        Self { bytes, value: OnceLock::new() }
    }
}

impl<T: Serialize + DeserializeOwned> Lazy<T> {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(&**self).expect("what is kept is plain data")
    }
}

impl<T> From<T> for Lazy<T> {
    fn from(value: T) -> Self {
        Self { bytes: OwnedBytes::empty(), value: OnceLock::from(value) }
    }
}

impl<T: Default> Default for Lazy<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<T: DeserializeOwned> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let read = || postcard::from_bytes(&self.bytes).expect("the index has been proven");
        self.value.get_or_init(read)
    }
}

impl<T: DeserializeOwned> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        let _: &T = self;
        self.value.get_mut().expect("it has just been read")
    }
}

impl<T: DeserializeOwned + Debug> Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for Lazy<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de, T> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: &[u8] = Deserialize::deserialize(deserializer)?;
        Ok(Self::read(OwnedBytes::new(bytes.to_vec())))
    }
}

/// Pieces with names as the bytes of one file.
pub(crate) fn bind(pieces: &[(String, Vec<u8>)]) -> Vec<u8> {
    let lengths: Vec<(&str, usize)> =
        pieces.iter().map(|(name, piece)| (&**name, piece.len())).collect();
    let mut bytes = postcard::to_stdvec(&lengths).expect("names and numbers are plain data");
    pieces.iter().for_each(|(_, piece)| bytes.extend(piece));
    bytes
}

/// The pieces of which [`bind`] made these bytes, in their order; nothing if they are not such bytes.
pub(crate) fn part(bytes: &OwnedBytes) -> Option<Vec<(String, OwnedBytes)>> {
    let (lengths, rest) = postcard::take_from_bytes::<Vec<(String, usize)>>(bytes).ok()?;
    let mut start = bytes.len() - rest.len();
    let piece = |(name, length): (String, usize)| {
        let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
        let piece = bytes.slice(start..end);
        start = end;
        Some((name, piece))
    };
    lengths.into_iter().map(piece).collect()
}
