"""One task for each day. The data interval is the partition, so clearing a task finds its run again and resumes it."""
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

with DAG(
    dag_id="flight_delay",
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=True,
    max_active_runs=4,
):
    BashOperator(
        task_id="score",
        # Exit code 3 is "done with rejects"; all others but 0 fail the task, and trying again resumes the run.
        bash_command='prescore run /srv/jobs/flight-delay.yaml --partition "{{ data_interval_start | ds }}" --json || [ $? -eq 3 ]',
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
