//! Values that lie in an index as bytes until somebody looks at them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::Error};
use std::{
    fmt::{self, Debug},
    ops::Deref,
    sync::OnceLock,
};

/// A value that is read from its bytes when it is first looked at.
///
/// # Panics
/// Looking at it panics if the bytes are not those of such a value. They come from an index that has been proven.
#[derive(Clone)]
pub struct Packed<T> {
    bytes: Vec<u8>,
    value: OnceLock<T>,
}

impl<T> From<T> for Packed<T> {
    fn from(value: T) -> Self {
        Self { bytes: Vec::new(), value: OnceLock::from(value) }
    }
}

impl<T: Default> Default for Packed<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<T: DeserializeOwned> Deref for Packed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let read = || postcard::from_bytes(&self.bytes).expect("the index has been proven");
        self.value.get_or_init(read)
    }
}

impl<T: DeserializeOwned + Debug> Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = postcard::to_allocvec(&**self).map_err(S::Error::custom)?;
        serde_bytes::serialize(&bytes, serializer)
    }
}

impl<'de, T> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::deserialize(deserializer)?;
        Ok(Self { bytes, value: OnceLock::new() })
    }
}
