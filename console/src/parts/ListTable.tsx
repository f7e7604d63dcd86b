// A table of things with a filter, sorting and pages: what every list of the console looks like.
import { useCollection } from "@cloudscape-design/collection-hooks";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import TableView, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import type { ReactNode } from "react";
import type { Loaded } from "../api";
import { Empty, Failure } from "./states";

interface Props<T> {
  title: string;
  from: Loaded<T[]>;
  columns: TableProps.ColumnDefinition<T>[];
  trackBy: keyof T & string;
  empty: ReactNode;
  actions?: ReactNode;
  description?: ReactNode;
  variant?: TableProps.Variant;
}

export function ListTable<T>({ title, from, columns, trackBy, empty, actions, description, variant }: Props<T>) {
  const { items, filterProps, collectionProps, paginationProps, filteredItemsCount, actions: change } = useCollection(from.value ?? [], {
    filtering: {
      empty,
      noMatch: <Empty title="Nothing matches" action={<Button onClick={() => change.setFiltering("")}>Clear the filter</Button>} />,
    },
    pagination: { pageSize: 25 },
    sorting: { defaultState: columns[0]?.sortingField ? { sortingColumn: columns[0] } : undefined },
  });
  return (
    <>
      {from.error && <Failure error={from.error} retry={from.reload} />}
      {(from.value !== undefined || !from.error) && (
        <TableView
          {...collectionProps}
          variant={variant ?? "container"}
          items={items}
          trackBy={trackBy}
          columnDefinitions={columns}
          loading={from.loading && from.value === undefined}
          loadingText="Loading"
          header={<Header variant="h2" counter={from.value && `(${from.value.length})`} description={description}
            actions={<>{actions} <Button iconName="refresh" ariaLabel="Refresh" onClick={from.reload} /></>}>{title}</Header>}
          filter={(from.value?.length ?? 0) > 5 && <TextFilter {...filterProps} filteringPlaceholder={`Find ${title.toLowerCase()}`}
            countText={filterProps.filteringText ? `${filteredItemsCount} found` : undefined} />}
          pagination={(from.value?.length ?? 0) > 25 && <Pagination {...paginationProps} />}
        />
      )}
    </>
  );
}
