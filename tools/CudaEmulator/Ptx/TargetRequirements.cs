namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// What came with which generation: the least .target (75 for sm_75) and the least .version (65 for PTX 6.5) of targets,
/// instructions and modifiers. From NVIDIA's manual of PTX; up to PTX 7.8 every line was tried against ptxas.
/// </summary>
internal static class TargetRequirements
{
    /// <summary>The newest .version that is understood.</summary>
    public const int NewestVersion = 88;

    /// <summary>Needs of an instruction that has all these modifiers.</summary>
    private readonly record struct Requirement(string[] Modifiers, int Target, int Version);

    // The least .version that knows a target.
    private static readonly (int Target, int Version)[] Targets =
    [
        (20, 20), (30, 30), (32, 40), (35, 31), (37, 41), (50, 40), (52, 41), (53, 42), (60, 50), (61, 50), (62, 50),
        (70, 60), (72, 61), (75, 63), (80, 70), (86, 71), (87, 74), (89, 78), (90, 78), (100, 86), (101, 86), (103, 88), (120, 87), (121, 88),
    ];

    // By opcode; * stands for every opcode, and several modifiers stand for instructions that have them all.
    private static readonly (string Opcode, string Modifiers, int Target, int Version)[] Rows =
    [
        // Matrices
        ("mma", "", 70, 64),
        ("mma", "m16n8k8", 75, 65), ("mma", "m8n8k16", 75, 65), ("mma", "m8n8k32", 75, 65), ("mma", "m8n8k128", 75, 70),
        ("mma", "m16n8k4", 80, 70), ("mma", "m16n8k16", 80, 70), ("mma", "m16n8k32", 80, 70), ("mma", "m16n8k64", 80, 70),
        ("mma", "m16n8k128", 80, 70), ("mma", "m16n8k256", 80, 70),
        ("mma", "bf16", 80, 70), ("mma", "tf32", 80, 70), ("mma", "f64", 80, 70), ("mma", "sp", 80, 71),
        ("mma", "m16n8k4 f64", 90, 78), ("mma", "m16n8k8 f64", 90, 78), ("mma", "m16n8k16 f64", 90, 78),
        ("mma", "e4m3", 89, 84), ("mma", "e5m2", 89, 84),
        ("ldmatrix", "", 75, 65), ("movmatrix", "", 75, 78), ("stmatrix", "", 90, 78), ("wmma", "", 70, 60), ("wgmma", "", 90, 80),

        // Asynchronous copies and barriers in memory
        ("cp", "async", 80, 70), ("cp", "async bulk", 90, 80),
        ("mbarrier", "", 80, 70), ("mbarrier", "parity", 80, 71), ("mbarrier", "try_wait", 90, 78), ("mbarrier", "expect_tx", 90, 80),
        ("mbarrier", "complete_tx", 90, 80),

        // Threads among each other
        ("bar", "warp", 30, 60), ("barrier", "", 30, 60), ("barrier", "cluster", 90, 78), ("redux", "", 80, 70), ("match", "", 70, 60),
        ("activemask", "", 30, 62), ("elect", "", 90, 80), ("shfl", "sync", 30, 60), ("vote", "sync", 30, 60), ("nanosleep", "", 70, 63),
        ("griddepcontrol", "", 90, 78), ("mapa", "", 90, 78), ("getctarank", "", 90, 78), ("setmaxnreg", "", 90, 80),
        ("fence", "", 70, 60), ("fence", "proxy", 70, 75), ("fence", "mbarrier_init", 90, 80), ("fence", "async", 90, 80),

        // Memory
        ("*", "shared::cta", 30, 78), ("*", "shared::cluster", 90, 78), ("*", "cluster", 90, 78),
        ("*", "L2::cache_hint", 80, 74), ("*", "L2::64B", 75, 74), ("*", "L2::128B", 75, 74), ("*", "L2::256B", 80, 74),
        ("*", "L1::evict_normal", 70, 74), ("*", "L1::evict_unchanged", 70, 74), ("*", "L1::evict_first", 70, 74),
        ("*", "L1::evict_last", 70, 74), ("*", "L1::no_allocate", 70, 74),
        ("createpolicy", "", 80, 74), ("applypriority", "", 80, 74), ("discard", "", 80, 74), ("prefetch", "L2::evict_last", 80, 74),
        ("prefetch", "L2::evict_normal", 80, 74),
        ("ld", "relaxed", 70, 60), ("ld", "acquire", 70, 60), ("ld", "b128", 70, 83), ("ld", "v8", 100, 88),
        ("st", "relaxed", 70, 60), ("st", "release", 70, 60), ("st", "b128", 70, 83), ("st", "v8", 100, 88), ("st", "async", 90, 81),
        ("atom", "relaxed", 70, 60), ("atom", "acquire", 70, 60), ("atom", "release", 70, 60), ("atom", "acq_rel", 70, 60),
        ("atom", "cas b16", 70, 63), ("atom", "f16x2", 60, 62), ("atom", "f16", 70, 63), ("atom", "bf16", 90, 78), ("atom", "bf16x2", 90, 78),
        ("atom", "b128", 90, 83), ("atom", "v2", 90, 81), ("atom", "v4", 90, 81), ("atom", "v8", 90, 81), ("atom", "f64", 60, 50),
        ("red", "relaxed", 70, 60), ("red", "release", 70, 60), ("red", "f16x2", 60, 62), ("red", "f16", 70, 63), ("red", "bf16", 90, 78),
        ("red", "bf16x2", 90, 78), ("red", "async", 90, 81), ("red", "v2", 90, 81), ("red", "v4", 90, 81), ("red", "v8", 90, 81),
        ("isspacep", "param", 70, 77), ("stacksave", "", 52, 73), ("stackrestore", "", 52, 73), ("alloca", "", 52, 73),

        // Arithmetic
        ("add", "f16", 53, 42), ("add", "f16x2", 53, 42), ("add", "bf16", 90, 78), ("add", "bf16x2", 90, 78),
        ("sub", "f16", 53, 42), ("sub", "f16x2", 53, 42), ("sub", "bf16", 90, 78), ("sub", "bf16x2", 90, 78),
        ("mul", "f16", 53, 42), ("mul", "f16x2", 53, 42), ("mul", "bf16", 90, 78), ("mul", "bf16x2", 90, 78),
        ("fma", "f16", 53, 42), ("fma", "f16x2", 53, 42), ("fma", "bf16", 80, 70), ("fma", "bf16x2", 80, 70), ("fma", "relu", 80, 70),
        ("min", "f16", 80, 70), ("min", "f16x2", 80, 70), ("min", "bf16", 80, 70), ("min", "bf16x2", 80, 70), ("min", "NaN", 80, 70),
        ("max", "f16", 80, 70), ("max", "f16x2", 80, 70), ("max", "bf16", 80, 70), ("max", "bf16x2", 80, 70), ("max", "NaN", 80, 70),
        ("min", "xorsign", 86, 72), ("max", "xorsign", 86, 72),
        ("abs", "f16", 53, 65), ("abs", "f16x2", 53, 65), ("abs", "bf16", 80, 70), ("abs", "bf16x2", 80, 70),
        ("neg", "f16", 53, 60), ("neg", "f16x2", 53, 60), ("neg", "bf16", 80, 70), ("neg", "bf16x2", 80, 70),
        ("setp", "f16", 53, 42), ("setp", "f16x2", 53, 42), ("setp", "bf16", 90, 78), ("setp", "bf16x2", 90, 78),
        ("set", "bf16", 90, 78), ("set", "bf16x2", 90, 78),
        ("ex2", "f16", 75, 70), ("ex2", "f16x2", 75, 70), ("ex2", "bf16", 90, 78), ("ex2", "bf16x2", 90, 78),
        ("tanh", "", 75, 70), ("tanh", "bf16", 90, 78), ("tanh", "bf16x2", 90, 78),
        ("dp4a", "", 61, 50), ("dp2a", "", 61, 50), ("szext", "", 70, 76), ("bmsk", "", 70, 76), ("lop3", "", 50, 43),

        // Conversions
        ("cvt", "f16x2", 80, 70), ("cvt", "bf16", 80, 70), ("cvt", "bf16x2", 80, 70), ("cvt", "tf32", 80, 70), ("cvt", "relu", 80, 70),
        ("cvt", "rn tf32", 90, 78), ("cvt", "rz tf32", 90, 78), ("cvt", "e4m3x2", 89, 78), ("cvt", "e5m2x2", 89, 78), ("cvt", "pack", 72, 65),
        .. "s8 u8 s16 u16 s32 u32 s64 u64 f16 f64".Split(' ').Select(type => ("cvt", $"bf16 {type}", 90, 78)),
    ];

    private static readonly Dictionary<string, Requirement[]> Table = Rows.Select(row => row.Opcode).Distinct().ToDictionary(
        opcode => opcode,
        opcode => Rows.Where(row => row.Opcode == opcode || row.Opcode == "*").Select(row => new Requirement(
            row.Modifiers.Split(' ', StringSplitOptions.RemoveEmptyEntries), row.Target, row.Version)).ToArray());

    /// <summary>Checks what stands at the top of the text.</summary>
    public static void Check(PtxModule module, int computeCapability)
    {
        string target = $"sm_{module.Target}{module.TargetSuffix}";
        if (module.Version > NewestVersion)
        {
            throw new PtxException(1, $"PTX .version {Text(module.Version)} is newer than {Text(NewestVersion)}, the newest supported")
            {
                IsVersionTooNew = true,
            };
        }

        int known = Array.Find(Targets, row => row.Target == module.Target).Version;
        if (known == 0)
        {
            throw new PtxException(0, $"no device of target {target} is known");
        }

        int version = module.TargetSuffix switch
        {
            'a' => Math.Max(known, 80),
            'f' => 88,
            _ => known,
        };
        if (module.Version < version)
        {
            throw new PtxException(0, $"PTX .version {Text(module.Version)} does not support .target {target}, which came with {Text(version)}");
        }

        bool fits = module.TargetSuffix switch
        {
            'a' => module.Target == computeCapability,
            'f' => module.Target <= computeCapability && module.Target / 10 == computeCapability / 10,
            _ => module.Target <= computeCapability,
        };
        if (!fits)
        {
            throw new PtxException(0, $"the text is for .target {target}, and the device is sm_{computeCapability}");
        }
    }

    /// <summary>Checks an instruction against its module's .version and .target.</summary>
    public static void Check(PtxModule module, PtxInstruction instruction)
    {
        Check(module, instruction, Table.GetValueOrDefault(instruction.Opcode, Table["*"]));
        bool isUnsynchronized = instruction.Opcode is "shfl" or "vote" && !instruction.Modifiers.Contains("sync");
        if (isUnsynchronized && module.Target >= 70 && module.Version >= 64)
        {
            throw new PtxException(instruction.Line, $"'{instruction.Opcode}' without .sync is no longer there on sm_70 and later");
        }

        if (instruction is { Opcode: "wgmma" or "setmaxnreg" } && module.TargetSuffix is null)
        {
            throw new PtxException(instruction.Line, $"'{instruction.Opcode}' requires .target sm_{module.Target}a");
        }
    }

    private static void Check(PtxModule module, PtxInstruction instruction, Requirement[] requirements)
    {
        // Of all that is lacking, what is furthest away.
        Requirement furthest = new([], 0, 0);
        foreach (Requirement requirement in requirements)
        {
            bool lacks = module.Target < requirement.Target || module.Version < requirement.Version;
            bool isFurther = (requirement.Target, requirement.Version).CompareTo((furthest.Target, furthest.Version)) > 0;
            if (lacks && isFurther && Array.TrueForAll(requirement.Modifiers, instruction.Modifiers.Contains))
            {
                furthest = requirement;
            }
        }

        if (furthest.Target == 0)
        {
            return;
        }

        string feature = string.Join('.', furthest.Modifiers.Prepend(instruction.Opcode));
        if (module.Target < furthest.Target)
        {
            throw new PtxException(
                instruction.Line, $"'{feature}' requires .target sm_{furthest.Target} or higher, and the text has sm_{module.Target}");
        }

        throw new PtxException(
            instruction.Line, $"'{feature}' requires PTX .version {Text(furthest.Version)} or later, and the text has {Text(module.Version)}");
    }

    private static string Text(int version) => $"{version / 10}.{version % 10}";
}
