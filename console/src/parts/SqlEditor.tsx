// A text area with the SQL's colours behind it, line numbers, and the place of an error.
import { useMemo } from "react";

const keywords = new Set(
  ("select from where group by order having limit offset as and or not in is null like between case when then else end join left right full inner outer cross on using " +
    "union all distinct with insert into values create table external view drop alter if exists partitioned stored location tblproperties row format serde show describe " +
    "databases tables partitions columns msck repair explain asc desc nulls first last over partition rows range preceding following current unnest lateral cast try_cast " +
    "date timestamp interval true false unload to prepare execute").split(" "),
);
const token = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|(\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|([A-Za-z_][A-Za-z0-9_]*)|([\s\S])/gi;

interface Piece {
  text: string;
  kind?: string;
}

function linesOf(sql: string): Piece[][] {
  const lines: Piece[][] = [[]];
  for (const match of sql.matchAll(token)) {
    const kind = match[1] ? "tok-comment" : match[2] ? "tok-string" : match[4] ? "tok-number"
      : match[5] && keywords.has(match[5].toLowerCase()) ? "tok-keyword" : undefined;
    match[0].split("\n").forEach((text, index) => {
      if (index > 0) lines.push([]);
      if (text !== "") lines[lines.length - 1]!.push({ text, kind });
    });
  }
  return lines;
}

interface Props {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
  // Both from 1, as in "line 3:14".
  error?: { line: number; column: number };
}

export function SqlEditor({ value, onChange, onRun, error }: Props) {
  const lines = useMemo(() => linesOf(value), [value]);
  return (
    <div className="editor">
      <pre aria-hidden="true">
        {lines.map((line, at) => {
          const bad = error?.line === at + 1;
          let column = 1;
          return (
            <span key={at} className={"editor-line" + (bad ? " editor-bad" : "")} data-n={at + 1}>
              {line.map((piece, index) => {
                const here = bad && column <= error!.column && error!.column < column + piece.text.length;
                column += piece.text.length;
                return <span key={index} className={[piece.kind, here ? "editor-at" : ""].join(" ")}>{piece.text}</span>;
              })}
              {line.length === 0 && "\u200b"}
            </span>
          );
        })}
      </pre>
      <textarea
        aria-label="SQL" spellCheck={false} autoCapitalize="off" autoComplete="off" value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
            event.preventDefault();
            onRun();
          }
        }}
      />
    </div>
  );
}
