"""SQL for the actor of a row as one column: `staff:<address>`, `api:<key>`, `reader:<id>`, `acquirer:stripe`, `worker`, `command`."""

BY = "concat_ws(':', actor_kind, nullif(actor_id, '')) AS by"
CLOSED_BY = "concat_ws(':', closed_by_kind, nullif(closed_by_id, '')) AS closed_by"
