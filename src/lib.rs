//! The library behind the services of a dialbox.
