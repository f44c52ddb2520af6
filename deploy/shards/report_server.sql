-- What reports may see of a server's shards, in its database ndc_shard, by a superuser:
--   psql -d ndc_shard -v ON_ERROR_STOP=1 -f report_server.sql
-- The function runs as ndc_shard, who owns the shards; ndc_report may call it and has no
-- right on any table. A shard that is on its way is counted on both servers until its move
-- has ended.
CREATE SCHEMA IF NOT EXISTS report AUTHORIZATION ndc_shard;
CREATE OR REPLACE FUNCTION report.shards()
RETURNS TABLE (place TEXT, type BIGINT, entities BIGINT, bytes BIGINT, newest_ms BIGINT)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  at NAME;
BEGIN
  FOR at IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^ndc_shard_[0-9]+_[0-9]+$' LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %L::text, e.type, count(*), sum(octet_length(e.payload))::bigint, '
      'max(e.updated_ms) FROM %I.entity e WHERE octet_length(e.payload) > 0 GROUP BY 1, 2',
      at, at);
  END LOOP;
END $$;
ALTER FUNCTION report.shards() OWNER TO ndc_shard;
REVOKE ALL ON FUNCTION report.shards() FROM PUBLIC;
CREATE OR REPLACE VIEW report.shard AS SELECT * FROM report.shards();
ALTER VIEW report.shard OWNER TO ndc_shard;
GRANT USAGE ON SCHEMA report TO ndc_report;
GRANT EXECUTE ON FUNCTION report.shards() TO ndc_report;
GRANT SELECT ON report.shard TO ndc_report;
