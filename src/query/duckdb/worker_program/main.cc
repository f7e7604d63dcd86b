#include <cstdlib>

#include "query/duckdb/worker.h"

int main(int argc, char** argv) {
    return argc == 2 ? wellhead::query::duckdb::RunSqlWorker(std::atoi(argv[1])) : 2;
}
