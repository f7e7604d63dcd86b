"""Queries through the Athena API."""
import time


def rows_of(caller, database, sql):
    """The rows of a query's first page, as strings, without the header. The work group has the database's name."""
    started = caller.call("athena", "StartQueryExecution", {"QueryString": sql, "WorkGroup": database,
                                                            "QueryExecutionContext": {"Database": database}})
    while True:
        state = caller.call("athena", "GetQueryExecution", started)["QueryExecution"]["Status"]
        if state["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
        time.sleep(0.01)
    if state["State"] != "SUCCEEDED":
        raise RuntimeError(state.get("StateChangeReason"))
    rows = caller.call("athena", "GetQueryResults", started)["ResultSet"]["Rows"]
    return [[column.get("VarCharValue") for column in row["Data"]] for row in rows[1:]]
