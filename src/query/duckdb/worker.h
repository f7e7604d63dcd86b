#pragma once
// The worker process: runs queries that come over a socket, one after the other, until the socket closes.

namespace wellhead::query::duckdb {

// The descriptor at which WorkerEngine leaves the worker's end of the socket.
inline constexpr int kWorkerSocket = 3;

// Returns the exit status of the process. Each query has a database of its own, made before the query comes, with no
// access to anything but the query's files and a locked configuration. Ends at once when the server goes away.
int RunSqlWorker(int fd);

}  // namespace wellhead::query::duckdb
