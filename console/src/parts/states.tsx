// What a page shows when there is nothing, not yet, or not at all.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import type { ReactNode } from "react";
import type { ApiError, Loaded } from "../api";

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box textAlign="center" color="inherit" padding={{ vertical: "l" }}>
      <SpaceBetween size="xs">
        <b>{title}</b>
        {children && <Box variant="p" color="text-body-secondary">{children}</Box>}
        {action}
      </SpaceBetween>
    </Box>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <Alert type="error" header={error.code === "Unreachable" ? "Wellhead does not answer" : error.code}
      action={retry && <Button onClick={retry}>Try again</Button>}>
      {error.message}
    </Alert>
  );
}

// The loaded value, or what stands in for it.
export function Await<T>({ from, children }: { from: Loaded<T>; children: (value: T) => ReactNode }) {
  if (from.value !== undefined) {
    return <>{from.error && <Failure error={from.error} retry={from.reload} />}{children(from.value)}</>;
  }
  if (from.error) return <Failure error={from.error} retry={from.reload} />;
  return <Box textAlign="center" padding="xxl"><Spinner size="large" /></Box>;
}
