namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// What is checked while kernels run. The names that programs choose them by are those of NVIDIA's compute-sanitizer.
/// Bounds and alignment are always checked, and a block that hangs always ends: without them a wrong kernel would take the
/// whole process with it.
/// </summary>
[Flags]
public enum CheckSet
{
    /// <summary>Nothing but what is always checked.</summary>
    None = 0,

    /// <summary>memcheck: accesses stay within allocations, aligned.</summary>
    Memory = 1,

    /// <summary>synccheck: barriers that threads reach together.</summary>
    Barriers = 2,

    /// <summary>initcheck: what is read has been written.</summary>
    Initialisation = 4,

    /// <summary>racecheck: accesses to shared memory that no barrier puts in order.</summary>
    Races = 8,

    /// <summary>leakcheck: memory that is still allocated when its context goes.</summary>
    Leaks = 16,

    /// <summary>What is checked when nobody says anything.</summary>
    Default = Memory | Barriers,

    /// <summary>Everything.</summary>
    All = Memory | Barriers | Initialisation | Races | Leaks,
}

/// <summary>Reads what the environment asks for.</summary>
internal static class CheckNames
{
    /// <summary>The environment variable that chooses.</summary>
    public const string Variable = "HANDWRITTEN_EMULATOR";

    private static readonly (string Name, CheckSet Value)[] Known =
    [
        ("memcheck", CheckSet.Memory), ("synccheck", CheckSet.Barriers), ("initcheck", CheckSet.Initialisation),
        ("racecheck", CheckSet.Races), ("leakcheck", CheckSet.Leaks), ("all", CheckSet.All), ("none", CheckSet.None),
    ];

    /// <summary>The checks of a list of names with commas between them; null or nothing is <see cref="CheckSet.Default"/>.</summary>
    /// <exception cref="ArgumentException">A name that is none.</exception>
    public static CheckSet Parse(string? names)
    {
        if (string.IsNullOrWhiteSpace(names))
        {
            return CheckSet.Default;
        }

        CheckSet chosen = CheckSet.None;
        foreach (string name in names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int index = Array.FindIndex(Known, known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            chosen |= index >= 0
                ? Known[index].Value
                : throw new ArgumentException($"there is no check '{name}'; there are {string.Join(", ", Known.Select(known => known.Name))}");
        }

        return chosen;
    }
}
