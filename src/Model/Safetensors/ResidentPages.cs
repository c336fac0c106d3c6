using System.Runtime.InteropServices;

namespace Handwritten.Model.Safetensors;

// A mapped file costs address space, not memory. Memory is taken page by page when bytes are touched, and given back
// only under pressure, so a loader that walks through a 3 GB checkpoint looks like a process of 3 GB. Telling the
// kernel "not needed any more" (madvise) behind every tensor keeps the process at the size of what it has built:
//
//     pages      |    |####|####|####|    |
//     tensor        └───────────────────┘        only whole pages inside: the edges belong to neighbours as well
//
// The advice is free of risk on a read-only file mapping: a page that is touched again comes back from the file.

/// <summary>Gives memory of a mapped file back to the operating system.</summary>
internal static unsafe partial class ResidentPages
{
    private const int DontNeed = 4;

    /// <summary>Lets go of the whole pages within a range of a read-only file mapping. Does nothing where it is not Linux.</summary>
    public static void LetGo(byte* first, long count)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        nuint page = (nuint)Environment.SystemPageSize;
        nuint begin = ((nuint)first + page - 1) / page * page;
        nuint end = ((nuint)first + (nuint)count) / page * page;
        if (end > begin)
        {
            // The result is of no interest: it is advice, and nothing is wrong when it is not taken.
            _ = Advise((void*)begin, end - begin, DontNeed);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* first, nuint count, int advice);
}
