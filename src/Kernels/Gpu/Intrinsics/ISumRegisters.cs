using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The sums of 32 of a warpgroup's columns, which inline PTX knows by name: %sum0 to %sum15 are those of the first 32. As a
/// policy, since PTX is text that has to be there when the kernel is compiled.
/// </summary>
internal interface ISumRegisters
{
    /// <summary>The first of the columns.</summary>
    static abstract int First { get; }

    /// <summary>Sets the registers.</summary>
    static abstract void Write(ref StripSums sums);

    /// <summary>Reads the registers.</summary>
    static abstract void Read(ref StripSums sums);
}

/// <summary>Columns 0 to 31.</summary>
internal readonly struct Sums0 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum0, %0; mov.f32 %%sum1, %1; mov.f32 %%sum2, %2; mov.f32 %%sum3, %3; "
        + "mov.f32 %%sum4, %4; mov.f32 %%sum5, %5; mov.f32 %%sum6, %6; mov.f32 %%sum7, %7; "
        + "mov.f32 %%sum8, %8; mov.f32 %%sum9, %9; mov.f32 %%sum10, %10; mov.f32 %%sum11, %11; "
        + "mov.f32 %%sum12, %12; mov.f32 %%sum13, %13; mov.f32 %%sum14, %14; mov.f32 %%sum15, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum0; mov.f32 %1, %%sum1; mov.f32 %2, %%sum2; mov.f32 %3, %%sum3; "
        + "mov.f32 %4, %%sum4; mov.f32 %5, %%sum5; mov.f32 %6, %%sum6; mov.f32 %7, %%sum7; "
        + "mov.f32 %8, %%sum8; mov.f32 %9, %%sum9; mov.f32 %10, %%sum10; mov.f32 %11, %%sum11; "
        + "mov.f32 %12, %%sum12; mov.f32 %13, %%sum13; mov.f32 %14, %%sum14; mov.f32 %15, %%sum15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 32 to 63.</summary>
internal readonly struct Sums1 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 32;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum16, %0; mov.f32 %%sum17, %1; mov.f32 %%sum18, %2; mov.f32 %%sum19, %3; "
        + "mov.f32 %%sum20, %4; mov.f32 %%sum21, %5; mov.f32 %%sum22, %6; mov.f32 %%sum23, %7; "
        + "mov.f32 %%sum24, %8; mov.f32 %%sum25, %9; mov.f32 %%sum26, %10; mov.f32 %%sum27, %11; "
        + "mov.f32 %%sum28, %12; mov.f32 %%sum29, %13; mov.f32 %%sum30, %14; mov.f32 %%sum31, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum16; mov.f32 %1, %%sum17; mov.f32 %2, %%sum18; mov.f32 %3, %%sum19; "
        + "mov.f32 %4, %%sum20; mov.f32 %5, %%sum21; mov.f32 %6, %%sum22; mov.f32 %7, %%sum23; "
        + "mov.f32 %8, %%sum24; mov.f32 %9, %%sum25; mov.f32 %10, %%sum26; mov.f32 %11, %%sum27; "
        + "mov.f32 %12, %%sum28; mov.f32 %13, %%sum29; mov.f32 %14, %%sum30; mov.f32 %15, %%sum31;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 64 to 95.</summary>
internal readonly struct Sums2 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 64;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum32, %0; mov.f32 %%sum33, %1; mov.f32 %%sum34, %2; mov.f32 %%sum35, %3; "
        + "mov.f32 %%sum36, %4; mov.f32 %%sum37, %5; mov.f32 %%sum38, %6; mov.f32 %%sum39, %7; "
        + "mov.f32 %%sum40, %8; mov.f32 %%sum41, %9; mov.f32 %%sum42, %10; mov.f32 %%sum43, %11; "
        + "mov.f32 %%sum44, %12; mov.f32 %%sum45, %13; mov.f32 %%sum46, %14; mov.f32 %%sum47, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum32; mov.f32 %1, %%sum33; mov.f32 %2, %%sum34; mov.f32 %3, %%sum35; "
        + "mov.f32 %4, %%sum36; mov.f32 %5, %%sum37; mov.f32 %6, %%sum38; mov.f32 %7, %%sum39; "
        + "mov.f32 %8, %%sum40; mov.f32 %9, %%sum41; mov.f32 %10, %%sum42; mov.f32 %11, %%sum43; "
        + "mov.f32 %12, %%sum44; mov.f32 %13, %%sum45; mov.f32 %14, %%sum46; mov.f32 %15, %%sum47;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 96 to 127.</summary>
internal readonly struct Sums3 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 96;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum48, %0; mov.f32 %%sum49, %1; mov.f32 %%sum50, %2; mov.f32 %%sum51, %3; "
        + "mov.f32 %%sum52, %4; mov.f32 %%sum53, %5; mov.f32 %%sum54, %6; mov.f32 %%sum55, %7; "
        + "mov.f32 %%sum56, %8; mov.f32 %%sum57, %9; mov.f32 %%sum58, %10; mov.f32 %%sum59, %11; "
        + "mov.f32 %%sum60, %12; mov.f32 %%sum61, %13; mov.f32 %%sum62, %14; mov.f32 %%sum63, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum48; mov.f32 %1, %%sum49; mov.f32 %2, %%sum50; mov.f32 %3, %%sum51; "
        + "mov.f32 %4, %%sum52; mov.f32 %5, %%sum53; mov.f32 %6, %%sum54; mov.f32 %7, %%sum55; "
        + "mov.f32 %8, %%sum56; mov.f32 %9, %%sum57; mov.f32 %10, %%sum58; mov.f32 %11, %%sum59; "
        + "mov.f32 %12, %%sum60; mov.f32 %13, %%sum61; mov.f32 %14, %%sum62; mov.f32 %15, %%sum63;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 128 to 159.</summary>
internal readonly struct Sums4 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 128;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum64, %0; mov.f32 %%sum65, %1; mov.f32 %%sum66, %2; mov.f32 %%sum67, %3; "
        + "mov.f32 %%sum68, %4; mov.f32 %%sum69, %5; mov.f32 %%sum70, %6; mov.f32 %%sum71, %7; "
        + "mov.f32 %%sum72, %8; mov.f32 %%sum73, %9; mov.f32 %%sum74, %10; mov.f32 %%sum75, %11; "
        + "mov.f32 %%sum76, %12; mov.f32 %%sum77, %13; mov.f32 %%sum78, %14; mov.f32 %%sum79, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum64; mov.f32 %1, %%sum65; mov.f32 %2, %%sum66; mov.f32 %3, %%sum67; "
        + "mov.f32 %4, %%sum68; mov.f32 %5, %%sum69; mov.f32 %6, %%sum70; mov.f32 %7, %%sum71; "
        + "mov.f32 %8, %%sum72; mov.f32 %9, %%sum73; mov.f32 %10, %%sum74; mov.f32 %11, %%sum75; "
        + "mov.f32 %12, %%sum76; mov.f32 %13, %%sum77; mov.f32 %14, %%sum78; mov.f32 %15, %%sum79;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 160 to 191.</summary>
internal readonly struct Sums5 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 160;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum80, %0; mov.f32 %%sum81, %1; mov.f32 %%sum82, %2; mov.f32 %%sum83, %3; "
        + "mov.f32 %%sum84, %4; mov.f32 %%sum85, %5; mov.f32 %%sum86, %6; mov.f32 %%sum87, %7; "
        + "mov.f32 %%sum88, %8; mov.f32 %%sum89, %9; mov.f32 %%sum90, %10; mov.f32 %%sum91, %11; "
        + "mov.f32 %%sum92, %12; mov.f32 %%sum93, %13; mov.f32 %%sum94, %14; mov.f32 %%sum95, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum80; mov.f32 %1, %%sum81; mov.f32 %2, %%sum82; mov.f32 %3, %%sum83; "
        + "mov.f32 %4, %%sum84; mov.f32 %5, %%sum85; mov.f32 %6, %%sum86; mov.f32 %7, %%sum87; "
        + "mov.f32 %8, %%sum88; mov.f32 %9, %%sum89; mov.f32 %10, %%sum90; mov.f32 %11, %%sum91; "
        + "mov.f32 %12, %%sum92; mov.f32 %13, %%sum93; mov.f32 %14, %%sum94; mov.f32 %15, %%sum95;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 192 to 223.</summary>
internal readonly struct Sums6 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 192;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum96, %0; mov.f32 %%sum97, %1; mov.f32 %%sum98, %2; mov.f32 %%sum99, %3; "
        + "mov.f32 %%sum100, %4; mov.f32 %%sum101, %5; mov.f32 %%sum102, %6; mov.f32 %%sum103, %7; "
        + "mov.f32 %%sum104, %8; mov.f32 %%sum105, %9; mov.f32 %%sum106, %10; mov.f32 %%sum107, %11; "
        + "mov.f32 %%sum108, %12; mov.f32 %%sum109, %13; mov.f32 %%sum110, %14; mov.f32 %%sum111, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum96; mov.f32 %1, %%sum97; mov.f32 %2, %%sum98; mov.f32 %3, %%sum99; "
        + "mov.f32 %4, %%sum100; mov.f32 %5, %%sum101; mov.f32 %6, %%sum102; mov.f32 %7, %%sum103; "
        + "mov.f32 %8, %%sum104; mov.f32 %9, %%sum105; mov.f32 %10, %%sum106; mov.f32 %11, %%sum107; "
        + "mov.f32 %12, %%sum108; mov.f32 %13, %%sum109; mov.f32 %14, %%sum110; mov.f32 %15, %%sum111;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}

/// <summary>Columns 224 to 255.</summary>
internal readonly struct Sums7 : ISumRegisters
{
    public static int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 224;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %%sum112, %0; mov.f32 %%sum113, %1; mov.f32 %%sum114, %2; mov.f32 %%sum115, %3; "
        + "mov.f32 %%sum116, %4; mov.f32 %%sum117, %5; mov.f32 %%sum118, %6; mov.f32 %%sum119, %7; "
        + "mov.f32 %%sum120, %8; mov.f32 %%sum121, %9; mov.f32 %%sum122, %10; mov.f32 %%sum123, %11; "
        + "mov.f32 %%sum124, %12; mov.f32 %%sum125, %13; mov.f32 %%sum126, %14; mov.f32 %%sum127, %15;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(ref StripSums sums) => CudaAsm.EmitRef(
        "mov.f32 %0, %%sum112; mov.f32 %1, %%sum113; mov.f32 %2, %%sum114; mov.f32 %3, %%sum115; "
        + "mov.f32 %4, %%sum116; mov.f32 %5, %%sum117; mov.f32 %6, %%sum118; mov.f32 %7, %%sum119; "
        + "mov.f32 %8, %%sum120; mov.f32 %9, %%sum121; mov.f32 %10, %%sum122; mov.f32 %11, %%sum123; "
        + "mov.f32 %12, %%sum124; mov.f32 %13, %%sum125; mov.f32 %14, %%sum126; mov.f32 %15, %%sum127;",
        ref sums.C0.X0, ref sums.C0.X1, ref sums.C0.X2, ref sums.C0.X3, ref sums.C1.X0, ref sums.C1.X1, ref sums.C1.X2, ref sums.C1.X3,
        ref sums.C2.X0, ref sums.C2.X1, ref sums.C2.X2, ref sums.C2.X3, ref sums.C3.X0, ref sums.C3.X1, ref sums.C3.X2, ref sums.C3.X3);
}
