"""One deed for many deliveries: counted before, carried out by a worker as a job, each with its own result."""
