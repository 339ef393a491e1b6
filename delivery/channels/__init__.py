"""One file per way into eCW. No Django here, no models: frozen settings in, bytes and receipts out."""
