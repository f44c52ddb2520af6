// As tests/registry/serve/test_http.c runs it, on either database: databases_test.mjs NDC [URL].
// All plans on SQLite; on PostgreSQL those of one daemon.
const [ndc, database] = process.argv.slice(2);
process.argv.splice(2, Infinity, '--fast', '--ndc', ndc, ...(database ? ['--database', database] : []));
await import('./frame/run.mjs');
