//! A server on port 0, a hermetic home, and images to push (for tests only)
