#!/bin/bash
#SBATCH --job-name=beyond-masking
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

# Trains on a rank per task, and continues in another job when time is up or the job is preempted:
#   sbatch deploy/slurm.sh pretrain --recipe imagenet-base-masked --data /data/imagenet/train --output runs/mae
# The working directory is a project that has the package, or a built clone. It and the run's folder lie on a disk that all nodes share.
set -uo pipefail

command=node_modules/.bin/beyond-masking
[ -e "$command" ] || command=bin/beyond-masking.mjs

# -K ends all ranks when one fails. npx would not pass SIGUSR1 on.
cpus=$((SLURM_CPUS_ON_NODE / SLURM_NTASKS_PER_NODE))
srun -K --mpi=pmix --cpus-per-task="$cpus" "$command" "$@" --resume
status=$?

# The run was asked to stop, and has saved.
if [ "$status" -eq 130 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
