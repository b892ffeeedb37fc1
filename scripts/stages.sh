# Stage headings with seconds for the scripts of this folder; to be sourced.

stage_started=
stage_name=

end_stage() {
  if [ -n "$stage_name" ]; then
    echo "--- $stage_name: $((SECONDS - stage_started)) s"
  fi
  stage_name=
}

# begin_stage NAME: ends the stage before and prints a heading.
begin_stage() {
  end_stage
  stage_name=$1
  stage_started=$SECONDS
  echo "=== $stage_name"
}
