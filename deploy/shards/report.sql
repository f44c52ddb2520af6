-- One server more in a database for reports, by a superuser there:
--   psql -d reports -v ON_ERROR_STOP=1 -v server=a -v host=10.0.0.2 -v port=5432 -f report.sql
-- Then: SELECT * FROM ndc_report.shard. Reports go through postgres_fdw; ndc itself never does.
-- The password of ndc_report: ALTER USER MAPPING FOR CURRENT_USER SERVER … OPTIONS (ADD password …).
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SCHEMA IF NOT EXISTS ndc_report;
CREATE SERVER :"server" FOREIGN DATA WRAPPER postgres_fdw
  OPTIONS (host :'host', port :'port', dbname 'ndc_shard', fetch_size '10000');
CREATE USER MAPPING FOR CURRENT_USER SERVER :"server" OPTIONS (user 'ndc_report');
SELECT format('CREATE FOREIGN TABLE ndc_report.%I (place TEXT, type BIGINT, entities BIGINT, '
              'bytes BIGINT, newest_ms BIGINT) SERVER %I OPTIONS (schema_name ''report'', '
              'table_name ''shard'')', 'shard_' || :'server', :'server') \gexec
SELECT 'CREATE OR REPLACE VIEW ndc_report.shard AS ' ||
       string_agg(format('SELECT %L::text AS server, t.* FROM ndc_report.%I t', s.srvname,
                         c.relname), ' UNION ALL ' ORDER BY s.srvname)
FROM pg_foreign_table f
JOIN pg_class c ON c.oid = f.ftrelid
JOIN pg_foreign_server s ON s.oid = f.ftserver
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'ndc_report' \gexec
