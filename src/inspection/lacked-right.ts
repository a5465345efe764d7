/** What this user lacks to look into the processes of others: root in a container may lack the capability. */
export function lackedRight(): 'root' | 'CAP_SYS_PTRACE' {
  return process.geteuid?.() === 0 ? 'CAP_SYS_PTRACE' : 'root';
}
