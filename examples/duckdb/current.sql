-- The current predictions of one output as a view. A folder that is being replaced holds parts of two runs for a moment; the
-- manifest names those that count. Run this again after a commit: the view keeps reading the parts that it was told.
--
-- Set the folder first: SET VARIABLE output = 'out/flight-delay/month=01';
SET VARIABLE parts = (
  SELECT list(getvariable('output') || '/' || part.name)
  FROM (SELECT unnest(parts) AS part FROM read_json(getvariable('output') || '/_manifest.json'))
);

CREATE OR REPLACE VIEW predictions AS
SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false);
