/* System calls that start, change and end processes, and those that are refused or do nothing. */
#include "workloads/trace_calls.h"

/* A fork that succeeded never comes here. */
void trace_call_local(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	(void)call;
	(void)rule;
	trace_call_put_local(compile, 0);
}

static void put_wait(struct trace_compile *compile, uint64_t pid)
{
	struct trace_op op = trace_op_of(TRACE_WAIT);

	op.process = trace_compile_process(compile, pid);
	if (op.process == TRACE_NONE || op.process == compile->current) {
		trace_call_put_local(compile, 0);
		return;
	}
	/* Its last line can come later than the wait that it ended. */
	trace_compile_end(compile, op.process);
	trace_put(compile, op);
}

/* a: status */
void trace_call_wait(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice status = trace_call_argument(call, rule->a);

	if (trace_call_failed(call) || call->value <= 0 || trace_slice_has(status, "WIFSTOPPED") ||
	    trace_slice_has(status, "WIFCONTINUED"))
		trace_call_put_local(compile, 0);
	else
		put_wait(compile, (uint64_t)call->value);
}

void trace_call_waitid(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	struct trace_slice info = trace_call_argument(call, rule->a);
	int64_t pid;

	if (!trace_call_failed(call) && trace_scan_field(info, "si_pid=", &pid) && pid > 0 &&
	    (trace_slice_has(info, "CLD_EXITED") || trace_slice_has(info, "CLD_KILLED") ||
	     trace_slice_has(info, "CLD_DUMPED")))
		put_wait(compile, (uint64_t)pid);
	else
		trace_call_put_local(compile, 0);
}

/* Descriptors and mappings that other processes share become this one's own. */
static void unshare_files(struct trace_compile *compile)
{
	struct trace_proc *proc = trace_call_current(compile);

	if (proc->fds->references == 1)
		return;
	proc->fds->references--;
	proc->fds = trace_fds_copy(proc->fds);
}

static void unshare_cwd(struct trace_compile *compile)
{
	struct trace_proc *proc = trace_call_current(compile);
	uint32_t path = proc->cwd->path;

	if (proc->cwd->references == 1)
		return;
	trace_cwd_drop(proc->cwd);
	proc->cwd = trace_cwd_new(path);
}

/* The system reads the program itself: the replay looks it up, as a STAT. a: directory, b: path, c: flags */
void trace_call_exec(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_fds *fds;

	trace_call_stat(compile, call, rule);
	if (trace_call_failed(call) || compile->failed)
		return;
	unshare_files(compile);
	unshare_cwd(compile);
	trace_maps_drop(trace_call_current(compile)->maps);
	trace_call_current(compile)->maps = trace_maps_new();
	fds = trace_call_current(compile)->fds;
	for (uint32_t i = fds->count; i--;)
		if (fds->slot[i].close_on_exec)
			trace_call_close_fd(compile, fds->slot[i].fd);
}

void trace_call_exit(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	(void)call;
	(void)rule;
	trace_compile_end(compile, compile->current);
}

void trace_call_unshare(struct trace_compile *compile, const struct trace_call *call,
			const struct trace_rule *rule)
{
	(void)rule;
	if (trace_call_failed(call))
		return;
	if (trace_slice_has(trace_call_argument(call, 0), "CLONE_NEW")) {
		trace_refuse(compile, "a name space of its own", "record without it");
		return;
	}
	if (trace_scan_flag(trace_call_argument(call, 0), "CLONE_FILES"))
		unshare_files(compile);
	if (trace_scan_flag(trace_call_argument(call, 0), "CLONE_FS"))
		unshare_cwd(compile);
	trace_call_put_local(compile, 0);
}

void trace_call_refuse(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	static const char *const why[] = {
		"files change behind the system calls that are recorded",
		"it changes where paths lead",
		"it makes a file that is no regular file",
		"it reaches files by other ways than paths",
	};

	if (trace_call_failed(call))
		trace_call_put_local(compile, 0);
	else
		trace_refuse(compile, why[rule->a], "record without it");
}

void trace_call_nothing(struct trace_compile *compile, const struct trace_call *call,
			const struct trace_rule *rule)
{
	(void)compile;
	(void)call;
	(void)rule;
}
