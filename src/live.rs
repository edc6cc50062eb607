//! The library that is served now, and how another takes its place.
//!
//! Whoever answers a request takes [`Live::now`] once and keeps it to the end, so an answer is made of one version of
//! the content, however often it changes meanwhile.

use crate::{
    error::{Error, Result},
    library::{Change, Library, Place},
    problem::Problem,
};
use arc_swap::ArcSwapOption;
use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// What requests are answered from.
pub struct Served {
    pub library: Library,
    /// What everybody may see of it; nothing if that is everything.
    public: Option<Library>,
    /// When it was taken over.
    pub since: Instant,
}

impl Served {
    fn new(library: Library) -> Result<Self> {
        let public = library.public()?;
        Ok(Self { library, public, since: Instant::now() })
    }

    /// Reads what is otherwise read when it is first asked for.
    ///
    /// Fails if it cannot be read whole.
    pub fn warm(&self) -> Result<()> {
        [Some(&self.library), self.public.as_ref()]
            .into_iter()
            .flatten()
            .try_for_each(Library::warm)
    }

    /// What may be seen: everything, or what is not internal.
    pub fn library(&self, internal: bool) -> &Library {
        self.public.as_ref().filter(|_| !internal).unwrap_or(&self.library)
    }
}

/// Content that may change while it is served.
pub struct Live {
    place: Place,
    served: ArcSwapOption<Served>,
    /// The problems of newer content that was not taken over; 0 if there is none.
    waiting: AtomicUsize,
}

/// What became of a reload.
pub enum Reload {
    /// Nothing had changed.
    Same,
    /// The new content is served.
    New(Arc<Served>),
    /// The new content has errors, and all of the old is still served.
    Refused(Vec<Problem>),
}

impl Live {
    /// Serves nothing yet.
    pub fn new(place: Place) -> Self {
        Self { place, served: ArcSwapOption::empty(), waiting: AtomicUsize::new(0) }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is served; nothing before the first content.
    pub fn now(&self) -> Option<Arc<Served>> {
        self.served.load_full()
    }

    /// How many problems newer content has because of which it is not served.
    pub fn stale(&self) -> Option<usize> {
        Some(self.waiting.load(Ordering::Relaxed)).filter(|problems| *problems > 0)
    }

    /// Serves `library` from now on.
    ///
    /// Fails, and changes nothing, if it cannot be read whole.
    pub fn serve(&self, library: Library) -> Result<Arc<Served>> {
        let served = Served::new(library)?;
        served.warm()?;
        Ok(self.swap(served))
    }

    /// The same of the first library, but at once: [`Served::warm`] is left to be done while others ask.
    ///
    /// Fails if what everybody may see of it cannot be told.
    pub fn begin(&self, library: Library) -> Result<Arc<Served>> {
        Ok(self.swap(Served::new(library)?))
    }

    fn swap(&self, served: Served) -> Arc<Served> {
        let served = Arc::new(served);
        let old = self.served.swap(Some(Arc::clone(&served)));
        self.waiting.store(0, Ordering::Relaxed);
        // Whoever still answers from it has it open; a folder that is gone already is what is wanted.
        if let Some(folder) = old.and_then(|old| old.library.index.folder.clone())
            && served.library.index.folder.as_ref() != Some(&folder)
        {
            drop(fs::remove_dir_all(folder));
        }
        served
    }

    /// Loads the content aside and serves it if it is new and has no errors; it waits until nothing has changed for two
    /// seconds.
    ///
    /// Fails, with the old content still served, if the content cannot be read or its index not be built.
    pub fn reload(&self) -> Result<Reload> {
        let Some(now) = self.now() else { return Ok(Reload::Same) };
        // A mistake of ours that some content brings to light must not end all reloads.
        let renew = || now.library.renew();
        let change = panic::catch_unwind(AssertUnwindSafe(renew)).unwrap_or(Err(Error::Panic));
        let reload = match change {
            Ok(Change::Same) => Ok(Reload::Same),
            Ok(Change::New(library)) => self.serve(*library).map(Reload::New),
            Ok(Change::Refused(problems)) => Ok(Reload::Refused(problems)),
            Err(error) => Err(error),
        };
        let waiting = match &reload {
            Ok(Reload::Refused(problems)) => problems.len(),
            Ok(_) => 0,
            Err(_) => 1,
        };
        self.waiting.store(waiting, Ordering::Relaxed);
        reload
    }
}
