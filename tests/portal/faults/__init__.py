"""Code that fails in every way with a canary in its hands; the log tests run it in processes of its own."""
